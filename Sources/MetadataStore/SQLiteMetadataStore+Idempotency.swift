public import Foundation
import GRDB
import VersAPI
public import VersCore

/// A request that a client has named. `run` is the daemon that works on it, until it is finished.
private struct NamedRequest: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "namedRequest"

    let keyID: KeyID
    let name: String
    let fingerprint: Data
    var run: String
    let createdAt: Date
    var finishedAt: Date?
    var answer: Data?
}

/// What a named request has made.
private struct RequestEffect: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "requestEffect"
    static let machine = "machine"
    static let commit = "commit"

    let keyID: KeyID
    let name: String
    let kind: String
    let resourceID: String
}

extension SQLiteMetadataStore: IdempotencyStoring {
    public func claim(
        _ key: IdempotencyKey,
        fingerprint: Data,
        at date: Date,
        droppingOlderThan oldest: Date,
        limit: Int
    ) async throws -> IdempotencyClaim {
        try await pool.write { [run] database in
            try Self.drop(olderThan: oldest, keeping: limit, of: key, run: run, in: database)
            guard let request = try Self.request(key).fetchOne(database) else {
                try NamedRequest(keyID: key.keyID, name: key.text, fingerprint: fingerprint, run: run, createdAt: date)
                    .insert(database)
                return .begun
            }
            guard request.fingerprint == fingerprint else { return .mismatch }
            if request.finishedAt != nil { return .answered(request.answer) }
            return .interrupted(try Self.effects(of: key, in: database))
        }
    }

    public func finish(_ key: IdempotencyKey, answer: Data?, at date: Date) async throws {
        try await pool.write { database in
            guard var request = try Self.request(key).fetchOne(database) else { return }
            request.answer = answer
            request.finishedAt = date
            try request.update(database)
        }
    }

    public func forget(_ key: IdempotencyKey) async throws {
        _ = try await pool.write { try Self.request(key).deleteAll($0) }
    }

    /// In the transaction that records what was made, so that neither is without the other.
    static func record(
        machines: [Machine] = [],
        commits: [Commit] = [],
        of key: IdempotencyKey?,
        in database: Database
    ) throws {
        guard let key, try Self.request(key).fetchCount(database) > 0 else { return }
        for machine in machines {
            try RequestEffect(key, RequestEffect.machine, machine.id.text).insert(database)
        }
        for commit in commits where commit.kind == .named {
            try RequestEffect(key, RequestEffect.commit, commit.id.text).insert(database)
        }
    }

    private static func request(_ key: IdempotencyKey) -> QueryInterfaceRequest<NamedRequest> {
        NamedRequest.filter(Column("keyID") == key.keyID).filter(Column("name") == key.text)
    }

    private static func effects(of key: IdempotencyKey, in database: Database) throws -> RecordedEffects {
        let rows =
            try RequestEffect
            .filter(Column("keyID") == key.keyID)
            .filter(Column("name") == key.text)
            .order(Column.rowID)
            .fetchAll(database)
        let commits = rows.filter { $0.kind == RequestEffect.commit }.compactMap { CommitID($0.resourceID) }
        return RecordedEffects(
            machines: rows.filter { $0.kind == RequestEffect.machine }.compactMap { MachineID($0.resourceID) },
            commits: try commits.filter {
                try CommitRecord.fetchOne(database, key: $0.text).map { $0.deletedAt == nil } ?? false
            }
        )
    }

    /// What this daemon works on stays, however old.
    private static func drop(
        olderThan oldest: Date,
        keeping limit: Int,
        of key: IdempotencyKey,
        run: String,
        in database: Database
    ) throws {
        try NamedRequest
            .filter(Column("createdAt") <= oldest)
            .filter(Column("finishedAt") != nil || Column("run") != run)
            .deleteAll(database)
        try database.execute(
            sql: """
                DELETE FROM namedRequest WHERE rowid IN (
                  SELECT rowid FROM namedRequest WHERE keyID = ? AND finishedAt IS NOT NULL
                  ORDER BY createdAt DESC, rowid DESC LIMIT -1 OFFSET ?)
                """,
            arguments: [key.keyID, max(0, limit - 1)]
        )
    }
}

extension RequestEffect {
    fileprivate init(_ key: IdempotencyKey, _ kind: String, _ resourceID: String) {
        self.init(keyID: key.keyID, name: key.text, kind: kind, resourceID: resourceID)
    }
}
