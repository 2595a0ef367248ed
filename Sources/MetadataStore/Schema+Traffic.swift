import GRDB

/// What connections do to VMs.
extension Schema {
    static func registerTraffic(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("traffic policies of machines") { database in
            try database.alter(table: "machine") { table in
                table.add(column: "traffic", .jsonText)
            }
        }
    }
}
