public import Foundation
import GRDB
public import SystemPackage
public import VersAPI
public import VersCore

/// The metadata in one SQLite file, in WAL mode.
///
/// `synchronous` is FULL: a row that was written survives a power cut, as the commit it speaks of does.
public final class SQLiteMetadataStore: MetadataStoring {
    let pool: DatabasePool
    /// This opening of the database: requests that another has begun are nobody's any more.
    let run = UUID().uuidString

    /// Opens or creates the database and brings its tables up to date.
    public init(path: FilePath) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        // One writer; readers are requests that each take well under a millisecond.
        configuration.maximumReaderCount = 4
        // It holds private keys. SQLite gives its other files the mode of the database.
        let file = try FileDescriptor.open(
            path,
            .readWrite,
            options: [.create, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
        try file.close()
        pool = try DatabasePool(path: path.string, configuration: configuration)
        // On the open pool: with the WAL, GRDB sets NORMAL itself, after any preparation that is configured.
        try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
        try Schema.migrator.migrate(pool)
        try Self.reserveSpace(in: pool)
    }

    /// A disk that guests have filled must not keep their state from being recorded: the log and the file are grown
    /// once, and later transactions overwrite what they take up there. SQLite moves the log's content into the file
    /// every 1000 pages of 4 KiB, so that the log needs no more.
    private static func reserveSpace(in pool: DatabasePool) throws {
        do {
            try pool.write { database in
                try database.execute(sql: "CREATE TABLE reserve (bytes BLOB NOT NULL)")
                try database.execute(sql: "INSERT INTO reserve VALUES (zeroblob(1100 * 4096))")
            }
            try pool.write { try $0.execute(sql: "DROP TABLE reserve") }
            try pool.writeWithoutTransaction { _ = try $0.checkpoint(.restart) }
        } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL {
            // Too late to reserve anything; what fits is recorded.
        }
    }

    /// Waits for running transactions and closes the file.
    public func close() throws { try pool.close() }

    // MARK: Machines

    public func machine(_ id: MachineID) async throws -> Machine? {
        try await pool.read { try MachineRecord.fetchOne($0, key: id.text)?.machine() }
    }

    public func liveMachines() async throws -> [Machine] { try await machines { $0 } }

    public func children(of id: MachineID) async throws -> [Machine] {
        try await machines { $0.filter(MachineRecord.Columns.parentMachineID == id.text) }
    }

    public func machines(startedFrom commit: CommitID) async throws -> [Machine] {
        try await machines { $0.filter(MachineRecord.Columns.parentCommitID == commit.text) }
    }

    public func insert(_ machines: [Machine], branchedFrom parent: MachineID?) async throws {
        try await Self.translatingConflicts {
            let request = IdempotencyKey.current
            try await self.pool.write { database in
                if let parent, try MachineRecord.fetchOne(database, key: parent.text)?.deletedAt != nil {
                    throw VersError(.notFound, "vm not found: \(parent) was deleted while it was branched")
                }
                for machine in machines { try MachineRecord(machine).insert(database) }
                try Self.requireRoom(for: machines, in: database)
                try Self.record(machines: machines, of: request, in: database)
            }
        }
    }

    public func delete(_ id: MachineID, at date: Date) async throws -> Machine? {
        try await pool.write { database in
            let children = MachineRecord.filter(MachineRecord.Columns.deletedAt == nil)
                .filter(MachineRecord.Columns.parentMachineID == id.text)
            guard try children.isEmpty(database) else { return nil }
            return try Self.update(id, in: database) {
                $0.deletedAt = $0.deletedAt ?? date
                $0.process = nil
            }
        }
    }

    @discardableResult
    public func update(_ id: MachineID, _ change: @Sendable @escaping (inout Machine) -> Void) async throws -> Machine {
        try await pool.write { try Self.update(id, in: $0, change) }
    }

    // MARK: Commits

    public func commit(_ id: CommitID) async throws -> Commit? {
        try await pool.read { try CommitRecord.fetchOne($0, key: id.text)?.commit() }
    }

    public func liveCommits() async throws -> [Commit] {
        try await pool.read { database in
            try CommitRecord.filter(CommitRecord.Columns.deletedAt == nil).fetchAll(database).map { try $0.commit() }
        }
    }

    public func namedCommits(in scope: CommitScope, limit: Int, offset: Int) async throws -> CommitSlice {
        try await pool.read { database in
            var request =
                CommitRecord
                .filter(CommitRecord.Columns.deletedAt == nil)
                .filter(CommitRecord.Columns.kind == CommitKind.named.rawValue)
            request =
                switch scope {
                case .organisation(let id): request.filter(CommitRecord.Columns.organisationID == id.text)
                case .published: request.filter(CommitRecord.Columns.isPublic == true)
                }
            let total = try request.fetchCount(database)
            let page = request.order(CommitRecord.Columns.createdAt.desc, Column.rowID.desc).limit(
                limit,
                offset: offset
            )
            return CommitSlice(commits: try page.fetchAll(database).map { try $0.commit() }, total: total)
        }
    }

    public func insert(
        _ commit: Commit,
        changing machine: MachineID?,
        _ change: @Sendable @escaping (inout Machine) -> Void
    ) async throws {
        try await Self.translatingConflicts {
            let request = IdempotencyKey.current
            try await self.pool.write { database in
                try CommitRecord(commit).insert(database)
                try Self.record(commits: [commit], of: request, in: database)
                if let machine { _ = try Self.update(machine, in: database, change) }
            }
        }
    }

    @discardableResult
    public func update(_ id: CommitID, _ change: @Sendable @escaping (inout Commit) -> Void) async throws -> Commit {
        try await pool.write { database in
            guard var commit = try CommitRecord.fetchOne(database, key: id.text)?.commit() else {
                throw VersError(.notFound, "commit not found: \(id)")
            }
            change(&commit)
            try CommitRecord(commit).update(database)
            return commit
        }
    }

    // MARK: Shared

    private func machines(
        _ narrow: @Sendable @escaping (QueryInterfaceRequest<MachineRecord>) -> QueryInterfaceRequest<MachineRecord>
    ) async throws -> [Machine] {
        try await pool.read { database in
            try narrow(MachineRecord.filter(MachineRecord.Columns.deletedAt == nil))
                .order(MachineRecord.Columns.createdAt, Column.rowID)
                .fetchAll(database)
                .map { try $0.machine() }
        }
    }

    private static func update(
        _ id: MachineID,
        in database: Database,
        _ change: (inout Machine) -> Void
    ) throws -> Machine {
        guard var machine = try MachineRecord.fetchOne(database, key: id.text)?.machine() else {
            throw VersError(.notFound, "vm not found: \(id)")
        }
        change(&machine)
        try MachineRecord(machine).update(database)
        return machine
    }

    private static func translatingConflicts(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY {
            throw VersError(.alreadyExists, "the id is taken", cause: error)
        }
    }
}
