import GRDB

/// The tables, as named migrations. A migration that was released is never changed.
enum Schema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("machines, commits and keys") { database in
            try createKeys(database)
            try createCommits(database)
            try createMachines(database)
        }
        registerAccounts(in: &migrator)
        registerImages(in: &migrator)
        registerIdempotency(in: &migrator)
        registerNames(in: &migrator)
        registerNetworks(in: &migrator)
        registerPrivacy(in: &migrator)
        registerTraffic(in: &migrator)
        registerListIndexes(in: &migrator)
        registerMachineEnvironments(in: &migrator)
        return migrator
    }

    private static func createKeys(_ database: Database) throws {
        try database.create(table: "apiKey") { table in
            table.primaryKey("id", .text)
            table.column("secretHash", .blob).notNull()
            table.column("label", .text).notNull()
            table.column("createdAt", .datetime).notNull()
        }
    }

    private static func createCommits(_ database: Database) throws {
        try database.create(table: "commitRecord") { table in
            table.primaryKey("id", .text)
            table.column("ownerID", .text).notNull()
            table.column("kind", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("deletedAt", .datetime)
            table.column("name", .text).notNull()
            table.column("description", .text)
            table.column("isPublic", .boolean).notNull()
            table.column("parentMachineID", .text)
            table.column("parentCommitID", .text)
            table.column("hardware", .jsonText).notNull()
            table.column("diskMiB", .integer).notNull()
            table.column("memoryLayers", .jsonText).notNull()
            table.column("deviceStateLayer", .text)
            table.column("diskLayers", .jsonText).notNull()
            table.column("compatibility", .jsonText).notNull()
            table.column("isDurable", .boolean).notNull()
        }
        // Deleted rows stay as history and must not slow down what is asked all the time.
        try database.create(
            index: "commitRecordLive",
            on: "commitRecord",
            columns: ["kind", "createdAt"],
            condition: Column("deletedAt") == nil
        )
    }

    private static func createMachines(_ database: Database) throws {
        try database.create(table: "machine") { table in
            table.primaryKey("id", .text)
            table.column("ownerID", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("deletedAt", .datetime)
            table.column("state", .text).notNull()
            table.column("stateReason", .text)
            table.column("labels", .jsonText)
            table.column("hardware", .jsonText).notNull()
            table.column("diskMiB", .integer).notNull()
            table.column("parentCommitID", .text).references("commitRecord")
            table.column("parentMachineID", .text)
            table.column("process", .jsonText)
            table.column("activeDisk", .text)
            table.column("diskLayers", .jsonText).notNull()
            table.column("startMemoryLayers", .jsonText).notNull()
            table.column("markedMemoryLayers", .jsonText).notNull()
            table.column("sleepCommitID", .text).references("commitRecord")
            table.column("credentials", .jsonText).notNull()
        }
        try database.create(
            index: "machineLive",
            on: "machine",
            columns: ["createdAt"],
            condition: Column("deletedAt") == nil
        )
        try database.create(
            index: "machineByParent",
            on: "machine",
            columns: ["parentMachineID"],
            condition: Column("deletedAt") == nil
        )
        try database.create(
            index: "machineByCommit",
            on: "machine",
            columns: ["parentCommitID"],
            condition: Column("deletedAt") == nil
        )
    }
}
