import GRDB
public import VersAPI
public import VersCore

extension SQLiteMetadataStore: DomainNameStoring {
    public func insert(_ domainName: DomainName) async throws {
        try await pool.write { database in
            let isLive = try Bool.fetchOne(
                database,
                sql: "SELECT deletedAt IS NULL FROM machine WHERE id = ?",
                arguments: [domainName.machineID.text]
            )
            guard isLive == true else { throw VersError(.notFound, "vm not found: \(domainName.machineID)") }
            try Self.translatingUniqueness(
                "domain '\(domainName.name)' is bound already",
                hint: "if it is yours, delete it first: vers domain delete \(domainName.name)"
            ) {
                try DomainNameRecord(domainName).insert(database)
            }
        }
    }

    public func domainName(_ id: DomainID) async throws -> DomainName? {
        try await pool.read { try DomainNameRecord.fetchOne($0, key: id.text)?.domainName() }
    }

    public func domainName(called name: String) async throws -> DomainName? {
        try await pool.read { database in
            try DomainNameRecord.filter(DomainNameRecord.Columns.name == name).fetchOne(database)?.domainName()
        }
    }

    public func domainNames(of organisation: OrganisationID, machine: MachineID?) async throws -> [DomainName] {
        try await pool.read { database in
            var request = DomainNameRecord.filter(DomainNameRecord.Columns.organisationID == organisation.text)
            if let machine { request = request.filter(DomainNameRecord.Columns.machineID == machine.text) }
            return try request.order(DomainNameRecord.Columns.name).fetchAll(database).map { try $0.domainName() }
        }
    }

    public func deleteDomainName(_ id: DomainID, of organisation: OrganisationID) async throws -> Bool {
        try await pool.write { database in
            try DomainNameRecord
                .filter(DomainNameRecord.Columns.id == id.text)
                .filter(DomainNameRecord.Columns.organisationID == organisation.text)
                .deleteAll(database) > 0
        }
    }
}
