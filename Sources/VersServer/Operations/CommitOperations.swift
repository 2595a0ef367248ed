public import VersAPI
public import VersCore

/// What the routes ask of the domain about commits. ``CommitService`` is the implementation; tests bring their own.
public protocol CommitOperations: Sendable {
    func list(limit: Int, offset: Int) async throws -> CommitPage
    func listPublic(limit: Int, offset: Int) async throws -> CommitPage
    func info(of id: CommitID) async throws -> CommitInfo
    func edit(_ id: CommitID, _ request: CommitEditRequest) async throws -> CommitInfo
    func delete(_ id: CommitID) async throws
    func history(of id: CommitID) async throws -> [CommitEntity]
}

extension CommitService: CommitOperations {}
