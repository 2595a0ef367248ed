import GRDB

extension Schema {
    static func registerImages(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("imported images") { database in
            try database.create(table: "importedImage") { table in
                table.primaryKey("id", .text)
                table.column("organisationID", .text).notNull()
                table.column("ownerID", .text).notNull()
                table.column("name", .text).notNull()
                table.column("source", .jsonText).notNull()
                table.column("size", .jsonText).notNull()
                table.column("description", .text)
                table.column("createdAt", .datetime).notNull()
                table.column("state", .text).notNull()
                table.column("diskMiB", .integer)
                table.column("failure", .jsonText)
                table.uniqueKey(["organisationID", "name"])
            }
        }
    }
}
