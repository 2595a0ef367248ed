public import VersAPI
public import VersCore

/// What the routes ask of the domain about commits. ``CommitService`` is the implementation; tests bring their own.
///
/// A commit that `principal` may not see does not exist for it: `.notFound`. One that it may see, because it is public,
/// but not change, is `.forbidden`.
public protocol CommitOperations: Sendable {
    func list(limit: Int, offset: Int, for principal: Principal) async throws -> CommitPage
    func listPublic(limit: Int, offset: Int) async throws -> CommitPage
    func info(of id: CommitID, for principal: Principal) async throws -> CommitInfo
    func edit(_ id: CommitID, _ request: CommitEditRequest, for principal: Principal) async throws -> CommitInfo
    func delete(_ id: CommitID, for principal: Principal) async throws
    func history(of id: CommitID, for principal: Principal) async throws -> [CommitEntity]
}

extension CommitService: CommitOperations {}
