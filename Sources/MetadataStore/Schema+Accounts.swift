import GRDB
import VersAPI

/// Organisations, and what belongs to them.
extension Schema {
    static func registerAccounts(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration("machines and commits of organisations") { database in
            try addOrganisation(to: "machine", in: database)
            try addOrganisation(to: "commitRecord", in: database)
            try database.execute(
                sql: "UPDATE commitRecord SET organisationID = ? WHERE kind = 'boot'",
                arguments: [OrganisationID.nobody.text]
            )
        }
    }

    /// What exists belongs to the machine's owner.
    private static func addOrganisation(to table: String, in database: Database) throws {
        try database.alter(table: table) { alteration in
            alteration.add(column: "organisationID", .text).notNull().defaults(to: OrganisationID.owner.text)
        }
        try database.create(index: "\(table)ByOrganisation", on: table, columns: ["organisationID", "createdAt"])
    }
}
