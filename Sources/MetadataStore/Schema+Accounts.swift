import Foundation
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
                arguments: [OrganisationID.nobody]
            )
        }
        migrator.registerMigration("organisations, users and limits of keys") { database in
            try createOrganisations(database)
            try createUsers(database)
            try createOwner(database)
            try extendKeys(database)
        }
    }

    /// What exists belongs to the machine's owner.
    private static func addOrganisation(to table: String, in database: Database) throws {
        try database.alter(table: table) { alteration in
            alteration.add(column: "organisationID", .text).notNull().defaults(to: OrganisationID.owner.text)
        }
        try database.create(index: "\(table)ByOrganisation", on: table, columns: ["organisationID", "createdAt"])
    }

    private static func createOrganisations(_ database: Database) throws {
        try database.create(table: "organisation") { table in
            table.primaryKey("id", .text)
            table.column("name", .text).notNull()
            table.column("createdAt", .datetime).notNull()
            table.column("deletedAt", .datetime)
        }
        try database.create(
            index: "organisationByName",
            on: "organisation",
            columns: ["name"],
            options: .unique,
            condition: Column("deletedAt") == nil
        )
    }

    private static func createUsers(_ database: Database) throws {
        try database.create(table: "user") { table in
            table.primaryKey("id", .text)
            table.column("name", .text).notNull()
            table.column("email", .text).notNull().unique()
            table.column("createdAt", .datetime).notNull()
        }
        try database.create(table: "membership") { table in
            table.column("organisationID", .text).notNull().references("organisation")
            table.column("userID", .text).notNull().indexed().references("user")
            table.column("role", .text).notNull()
            table.primaryKey(["organisationID", "userID"])
        }
        try database.create(table: "registration") { table in
            table.primaryKey("id", .text)
            table.column("email", .text).notNull()
            table.column("userID", .text).notNull()
            table.column("sshPublicKey", .text).notNull()
            table.column("nonceHash", .blob)
            table.column("createdAt", .datetime).notNull()
            table.column("approvedAt", .datetime)
            table.column("maximumMemoryMiB", .integer)
            table.column("maximumVCPUCount", .integer)
            table.column("maximumMachines", .integer)
        }
    }

    private static func createOwner(_ database: Database) throws {
        let now = Date()
        try database.execute(
            sql: "INSERT INTO organisation (id, name, createdAt) VALUES (?, 'owner', ?)",
            arguments: [OrganisationID.owner, now]
        )
        try database.execute(
            sql: "INSERT INTO user (id, name, email, createdAt) VALUES (?, 'owner', 'owner@localhost', ?)",
            arguments: [UserID.owner, now]
        )
        try database.execute(
            sql: "INSERT INTO membership (organisationID, userID, role) VALUES (?, ?, 'owner')",
            arguments: [OrganisationID.owner, UserID.owner]
        )
    }

    /// The keys that exist are those that daemons wrote into `owner.key`.
    private static func extendKeys(_ database: Database) throws {
        try database.alter(table: "apiKey") { alteration in
            alteration.add(column: "organisationID", .text).notNull().defaults(to: OrganisationID.owner.text)
            alteration.add(column: "userID", .text).notNull().defaults(to: UserID.owner.text)
            alteration.add(column: "expiresAt", .datetime)
            alteration.add(column: "revokedAt", .datetime)
            alteration.add(column: "maximumMemoryMiB", .integer)
            alteration.add(column: "maximumVCPUCount", .integer)
            alteration.add(column: "maximumMachines", .integer)
            alteration.add(column: "isAdministrator", .boolean).notNull().defaults(to: true)
        }
        try database.create(index: "apiKeyByOrganisation", on: "apiKey", columns: ["organisationID"])
        try database.create(
            index: "machineByOwner",
            on: "machine",
            columns: ["ownerID"],
            condition: Column("deletedAt") == nil
        )
    }
}
