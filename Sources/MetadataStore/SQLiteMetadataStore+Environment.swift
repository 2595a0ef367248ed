import GRDB
public import VersAPI
public import VersCore

extension SQLiteMetadataStore: EnvironmentStoring {
    public func variables(of organisation: OrganisationID) async throws -> [String: String] {
        try await pool.read { try Self.variables(of: organisation, in: $0) }
    }

    @discardableResult
    public func changeVariables(
        of organisation: OrganisationID,
        _ change: @Sendable @escaping (inout [String: String]) throws -> Void
    ) async throws -> [String: String] {
        try await pool.write { database in
            let present = try Self.variables(of: organisation, in: database)
            var changed = present
            try change(&changed)
            for name in present.keys where changed[name] == nil {
                try database.execute(
                    sql: "DELETE FROM environmentVariable WHERE organisationID = ? AND name = ?",
                    arguments: [organisation.text, name]
                )
            }
            for (name, value) in changed where present[name] != value {
                try database.execute(
                    sql: "INSERT OR REPLACE INTO environmentVariable (organisationID, name, value) VALUES (?, ?, ?)",
                    arguments: [organisation.text, name, value]
                )
            }
            return changed
        }
    }

    private static func variables(of organisation: OrganisationID, in database: Database) throws -> [String: String] {
        let rows = try Row.fetchAll(
            database,
            sql: "SELECT name, value FROM environmentVariable WHERE organisationID = ?",
            arguments: [organisation.text]
        )
        return Dictionary(uniqueKeysWithValues: rows.map { ($0["name"], $0["value"]) })
    }
}
