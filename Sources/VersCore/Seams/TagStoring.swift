public import Foundation
public import VersAPI

/// The tags of organisations and repositories. A call is one transaction.
public protocol TagStoring: Sendable {
    /// A commit that a branch made becomes one that a person asked for: it is listed, and stays when the tag goes.
    /// - Throws: `.alreadyExists` when the scope has a tag of that name; `.notFound` when the commit is deleted.
    func insert(_ tag: Tag) async throws
    func tag(_ name: String, in scope: TagScope) async throws -> Tag?
    /// Sorted by name.
    func tags(in scope: TagScope) async throws -> [Tag]
    /// Changes one tag in place. What it points to then is kept as by ``insert(_:)``.
    /// - Throws: `.notFound` when there is no such tag, or when the commit that it points to now is deleted.
    func updateTag(
        _ name: String,
        in scope: TagScope,
        _ change: @Sendable @escaping (inout Tag) -> Void
    ) async throws
    /// - Returns: whether there was such a tag.
    func deleteTag(_ name: String, in scope: TagScope) async throws -> Bool

    /// Whether a tag of a public repository names the commit.
    func isNamedPublicly(_ commit: CommitID) async throws -> Bool
    /// Marks a commit as deleted unless tags name it.
    /// - Parameter kind: the commit stays when it is of another kind by now; nil means any.
    /// - Returns: those tags, as `tag` and `repo:tag`; none when the commit is deleted now.
    func deleteUntagged(_ commit: CommitID, ofKind kind: CommitKind?, at date: Date) async throws -> [String]
}
