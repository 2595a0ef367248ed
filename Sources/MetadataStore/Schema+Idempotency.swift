import GRDB

/// Requests that clients have named, and what they made.
extension Schema {
    static func registerIdempotency(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("named requests") { database in
            try database.create(table: "namedRequest") { table in
                table.column("keyID", .text).notNull()
                table.column("name", .text).notNull()
                table.column("fingerprint", .blob).notNull()
                table.column("run", .text).notNull()
                table.column("createdAt", .datetime).notNull().indexed()
                table.column("finishedAt", .datetime)
                table.column("answer", .blob)
                table.primaryKey(["keyID", "name"])
            }
            try database.create(
                index: "namedRequestByAge",
                on: "namedRequest",
                columns: ["keyID", "createdAt"],
                condition: Column("finishedAt") != nil
            )
            try database.create(table: "requestEffect") { table in
                table.column("keyID", .text).notNull()
                table.column("name", .text).notNull()
                table.column("kind", .text).notNull()
                table.column("resourceID", .text).notNull()
                table.foreignKey(["keyID", "name"], references: "namedRequest", onDelete: .cascade)
            }
            try database.create(index: "requestEffectByRequest", on: "requestEffect", columns: ["keyID", "name"])
        }
    }
}
