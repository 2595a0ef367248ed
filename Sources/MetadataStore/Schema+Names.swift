import GRDB

/// Tags, repositories, environment variables and DNS names.
extension Schema {
    static func registerNames(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("repositories and tags") { database in
            try createRepositories(database)
            try createTags(database)
        }
        migrator.registerMigration("environment variables") { database in
            try database.create(table: "environmentVariable") { table in
                table.column("organisationID", .text).notNull()
                table.column("name", .text).notNull()
                table.column("value", .text).notNull()
                table.primaryKey(["organisationID", "name"])
            }
        }
        migrator.registerMigration("domain names") { database in
            try createDomainNames(database)
        }
    }

    private static func createRepositories(_ database: Database) throws {
        try database.create(table: "repository") { table in
            table.primaryKey("id", .text)
            table.column("organisationID", .text).notNull()
            table.column("name", .text).notNull()
            table.column("description", .text)
            table.column("isPublic", .boolean).notNull()
            table.column("createdAt", .datetime).notNull()
            table.uniqueKey(["organisationID", "name"])
        }
        try database.create(
            index: "repositoryPublic",
            on: "repository",
            columns: ["name"],
            condition: Column("isPublic") == true
        )
    }

    /// A tag belongs to an organisation or to a repository, never to both.
    private static func createTags(_ database: Database) throws {
        try database.create(table: "tag") { table in
            table.primaryKey("id", .text)
            table.column("organisationID", .text)
            table.column("repositoryID", .text).references("repository", onDelete: .cascade)
            table.column("name", .text).notNull()
            table.column("commitID", .text).notNull().references("commitRecord")
            table.column("description", .text)
            table.column("createdAt", .datetime).notNull()
            table.column("updatedAt", .datetime).notNull()
            table.uniqueKey(["organisationID", "name"])
            table.uniqueKey(["repositoryID", "name"])
            table.check(sql: "(organisationID IS NULL) <> (repositoryID IS NULL)")
        }
        try database.create(index: "tagByCommit", on: "tag", columns: ["commitID"])
    }

    private static func createDomainNames(_ database: Database) throws {
        try database.create(table: "domainName") { table in
            table.primaryKey("id", .text)
            table.column("organisationID", .text).notNull()
            table.column("name", .text).notNull().unique()
            table.column("machineID", .text).notNull().references("machine")
            table.column("createdAt", .datetime).notNull()
        }
        try database.create(index: "domainNameByMachine", on: "domainName", columns: ["machineID"])
        // Whatever deletes a VM deletes its names, in the same transaction.
        try database.execute(
            sql: """
                CREATE TRIGGER machineDeletesDomainNames AFTER UPDATE OF deletedAt ON machine
                WHEN NEW.deletedAt IS NOT NULL AND OLD.deletedAt IS NULL
                BEGIN DELETE FROM domainName WHERE machineID = NEW.id; END
                """
        )
    }
}
