import GRDB

/// VMs whose ports are not for everybody.
extension Schema {
    static func registerPrivacy(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("private machines") { database in
            try database.alter(table: "machine") { table in
                table.add(column: "isPrivate", .boolean).notNull().defaults(to: false)
            }
            // In the transaction that records a child: no moment in which it is open and its parent is not.
            try database.execute(
                sql: """
                    CREATE TRIGGER machineInheritsPrivacy AFTER INSERT ON machine
                    WHEN EXISTS (SELECT 1 FROM machine WHERE id = NEW.parentMachineID AND isPrivate)
                    BEGIN UPDATE machine SET isPrivate = 1 WHERE id = NEW.id; END
                    """
            )
        }
    }
}
