public import VersAPI
public import VersCore

/// What the routes ask of the domain about tags and names of commits. ``TagService`` is the implementation; tests
/// bring their own.
public protocol TagOperations: Sendable {
    func list(for principal: Principal) async throws -> TagList
    func create(_ request: TagCreateRequest, for principal: Principal) async throws -> TagCreateResponse
    func info(of name: String, for principal: Principal) async throws -> TagInfo
    func edit(_ name: String, _ request: TagEditRequest, for principal: Principal) async throws
    func delete(_ name: String, for principal: Principal) async throws
    func commit(named name: CommitName, for principal: Principal) async throws -> CommitID
}

extension TagService: TagOperations {}
