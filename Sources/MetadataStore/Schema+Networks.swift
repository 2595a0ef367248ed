import GRDB

/// The place of VMs in private networks.
extension Schema {
    static func registerNetworks(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("private networks") { database in
            try database.alter(table: "machine") { $0.add(column: "network", .jsonText) }
            try database.alter(table: "commitRecord") { $0.add(column: "network", .jsonText) }
        }
    }
}
