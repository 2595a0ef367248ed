import GRDB

/// Environment variables of single VMs.
extension Schema {
    static func registerMachineEnvironments(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("environments of machines") { database in
            try database.alter(table: "machine") { table in
                table.add(column: "environment", .jsonText)
            }
        }
    }
}
