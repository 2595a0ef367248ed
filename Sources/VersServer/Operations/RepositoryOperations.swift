public import VersAPI
public import VersCore

/// What the routes ask of the domain about repositories. ``RepositoryService`` is the implementation; tests bring
/// their own.
public protocol RepositoryOperations: Sendable {
    func list(for principal: Principal) async throws -> RepositoryList
    func create(
        _ request: RepositoryCreateRequest,
        for principal: Principal
    ) async throws -> RepositoryCreateResponse
    func info(of name: String, for principal: Principal) async throws -> RepositoryInfo
    func delete(_ name: String, for principal: Principal) async throws
    func setVisibility(of name: String, isPublic: Bool, for principal: Principal) async throws
    func fork(_ request: ForkRequest, for principal: Principal) async throws -> ForkResponse

    func tags(of repository: String, for principal: Principal) async throws -> RepositoryTagList
    func createTag(
        _ request: TagCreateRequest,
        in repository: String,
        for principal: Principal
    ) async throws -> RepositoryTagCreateResponse
    func tag(_ name: String, of repository: String, for principal: Principal) async throws -> RepositoryTagInfo
    func editTag(
        _ name: String,
        of repository: String,
        _ request: TagEditRequest,
        for principal: Principal
    ) async throws
    func deleteTag(_ name: String, of repository: String, for principal: Principal) async throws

    func publicList() async throws -> PublicRepositoryList
    func publicInfo(of name: String, in organisation: String) async throws -> PublicRepositoryInfo
    func publicTags(of name: String, in organisation: String) async throws -> RepositoryTagList
    func publicTag(_ tag: String, of name: String, in organisation: String) async throws -> RepositoryTagInfo
}

extension RepositoryService: RepositoryOperations {}
