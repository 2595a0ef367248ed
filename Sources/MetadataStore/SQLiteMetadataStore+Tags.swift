public import Foundation
import GRDB
public import VersAPI
public import VersCore

extension SQLiteMetadataStore: TagStoring {
    public func insert(_ tag: Tag) async throws {
        try await pool.write { try Self.insert(tag, in: $0) }
    }

    public func tag(_ name: String, in scope: TagScope) async throws -> Tag? {
        try await pool.read { database in
            try TagRecord.all(in: scope).filter(TagRecord.Columns.name == name).fetchOne(database)?.tag()
        }
    }

    public func tags(in scope: TagScope) async throws -> [Tag] {
        try await pool.read { database in
            try TagRecord.all(in: scope).order(TagRecord.Columns.name).fetchAll(database).map { try $0.tag() }
        }
    }

    public func updateTag(
        _ name: String,
        in scope: TagScope,
        _ change: @Sendable @escaping (inout Tag) -> Void
    ) async throws {
        try await pool.write { database in
            let request = TagRecord.all(in: scope).filter(TagRecord.Columns.name == name)
            guard var tag = try request.fetchOne(database)?.tag() else {
                throw VersError(.notFound, "tag not found: '\(name)'")
            }
            let commit = tag.commitID
            change(&tag)
            if tag.commitID != commit { try Self.keepCommit(tag.commitID, in: database) }
            try TagRecord(tag).update(database)
        }
    }

    public func deleteTag(_ name: String, in scope: TagScope) async throws -> Bool {
        try await pool.write { database in
            try TagRecord.all(in: scope).filter(TagRecord.Columns.name == name).deleteAll(database) > 0
        }
    }

    public func isNamedPublicly(_ commit: CommitID) async throws -> Bool {
        try await pool.read { database in
            try Bool.fetchOne(
                database,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM tag JOIN repository ON repository.id = tag.repositoryID
                                   WHERE tag.commitID = ? AND repository.isPublic)
                    """,
                arguments: [commit.text]
            ) ?? false
        }
    }

    public func deleteUntagged(
        _ commit: CommitID,
        ofKind kind: CommitKind?,
        at date: Date
    ) async throws -> [String] {
        try await pool.write { database in
            let names = try String.fetchAll(
                database,
                sql: """
                    SELECT coalesce(repository.name || ':', '') || tag.name AS fullName
                    FROM tag LEFT JOIN repository ON repository.id = tag.repositoryID
                    WHERE tag.commitID = ? ORDER BY fullName
                    """,
                arguments: [commit.text]
            )
            if names.isEmpty {
                try database.execute(
                    sql: """
                        UPDATE commitRecord SET deletedAt = :date
                        WHERE id = :id AND deletedAt IS NULL AND kind = coalesce(:kind, kind)
                        """,
                    arguments: ["date": date, "id": commit.text, "kind": kind?.rawValue]
                )
            }
            return names
        }
    }

    static func insert(_ tag: Tag, in database: Database) throws {
        try keepCommit(tag.commitID, in: database)
        try translatingUniqueness("tag '\(tag.name)' exists already", hint: "move it instead: vers tag update") {
            try TagRecord(tag).insert(database)
        }
    }

    /// Makes a commit one that a person asked for. It must not have been deleted between the look at it and the tag that
    /// names it.
    private static func keepCommit(_ id: CommitID, in database: Database) throws {
        let isLive = try Bool.fetchOne(
            database,
            sql: "SELECT deletedAt IS NULL FROM commitRecord WHERE id = ?",
            arguments: [id.text]
        )
        guard isLive == true else { throw VersError(.notFound, "commit not found: \(id)") }
        try database.execute(
            sql: "UPDATE commitRecord SET kind = ? WHERE id = ? AND kind = ?",
            arguments: [CommitKind.named.rawValue, id.text, CommitKind.branch.rawValue]
        )
    }

    /// Runs `body`; what a unique key refuses exists already.
    static func translatingUniqueness(_ message: String, hint: String? = nil, _ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DatabaseError where error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE {
            throw VersError(.alreadyExists, message, hint: hint, cause: error)
        }
    }
}
