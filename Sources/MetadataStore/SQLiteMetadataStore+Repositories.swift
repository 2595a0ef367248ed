import GRDB
public import VersAPI
public import VersCore

extension SQLiteMetadataStore: RepositoryStoring {
    public func insert(_ repository: Repository) async throws {
        try await pool.write { try Self.insert(repository, in: $0) }
    }

    public func repository(_ name: String, of organisation: OrganisationID) async throws -> Repository? {
        try await pool.read { try RepositoryRecord.named(name, of: organisation).fetchOne($0)?.repository() }
    }

    public func repositories(of organisation: OrganisationID) async throws -> [Repository] {
        try await pool.read { database in
            try RepositoryRecord.filter(RepositoryRecord.Columns.organisationID == organisation.text)
                .order(RepositoryRecord.Columns.name)
                .fetchAll(database)
                .map { try $0.repository() }
        }
    }

    public func publicRepositories() async throws -> [Repository] {
        try await pool.read { database in
            try RepositoryRecord.filter(RepositoryRecord.Columns.isPublic == true)
                .order(RepositoryRecord.Columns.name)
                .fetchAll(database)
                .map { try $0.repository() }
        }
    }

    public func setVisibility(
        ofRepository name: String,
        of organisation: OrganisationID,
        isPublic: Bool
    ) async throws -> Bool {
        try await pool.write { database in
            try RepositoryRecord.named(name, of: organisation)
                .updateAll(database, RepositoryRecord.Columns.isPublic.set(to: isPublic)) > 0
        }
    }

    public func deleteRepository(_ name: String, of organisation: OrganisationID) async throws -> Bool {
        try await pool.write { try RepositoryRecord.named(name, of: organisation).deleteAll($0) > 0 }
    }

    public func insert(_ fork: Fork) async throws {
        try await pool.write { database in
            try Self.insert(fork.repository, in: database)
            try CommitRecord(fork.commit).insert(database)
            try MachineRecord(fork.machine).insert(database)
            try Self.insert(fork.tag, in: database)
        }
    }

    private static func insert(_ repository: Repository, in database: Database) throws {
        try translatingUniqueness("repository '\(repository.name)' exists already", hint: "choose another name") {
            try RepositoryRecord(repository).insert(database)
        }
    }
}
