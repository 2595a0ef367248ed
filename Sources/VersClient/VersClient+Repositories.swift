public import VersAPI

extension VersClient {
    /// The organisation's repositories, by name.
    public func repositories() async throws -> [RepositoryInfo] {
        try await transport.value(RepositoryList.self, RequestPlan(.get, "/repositories")).repositories
    }

    public func repository(_ name: String) async throws -> RepositoryInfo {
        try await transport.value(RepositoryInfo.self, RequestPlan(.get, Self.path(of: name)))
    }

    /// - Throws: `.alreadyExists`.
    public func createRepository(_ request: RepositoryCreateRequest) async throws -> RepositoryCreateResponse {
        let plan = try RequestPlan(.post, "/repositories", json: request)
        return try await transport.value(RepositoryCreateResponse.self, plan)
    }

    /// Its tags go with it; the commits stay.
    public func deleteRepository(_ name: String) async throws {
        try await transport.perform(RequestPlan(.delete, Self.path(of: name)))
    }

    public func setVisibility(ofRepository name: String, isPublic: Bool) async throws {
        let body = VisibilityRequest(is_public: isPublic)
        try await transport.perform(try RequestPlan(.patch, "\(Self.path(of: name))/visibility", json: body))
    }

    /// Makes a tag of a public repository one's own. The new VM runs when the call returns.
    /// - Throws: `.alreadyExists` when there is a repository of that name.
    public func fork(_ request: ForkRequest) async throws -> ForkResponse {
        let plan = try RequestPlan(.post, "/repositories/fork", json: request, patience: .operation)
        return try await transport.value(ForkResponse.self, plan)
    }

    // MARK: Tags

    public func tags(ofRepository name: String) async throws -> RepositoryTagList {
        try await transport.value(RepositoryTagList.self, RequestPlan(.get, "\(Self.path(of: name))/tags"))
    }

    public func tag(_ tag: String, ofRepository name: String) async throws -> RepositoryTagInfo {
        try await transport.value(RepositoryTagInfo.self, RequestPlan(.get, Self.path(of: name, tag: tag)))
    }

    /// - Throws: `.alreadyExists`.
    public func createTag(
        _ request: TagCreateRequest,
        inRepository name: String
    ) async throws -> RepositoryTagCreateResponse {
        let plan = try RequestPlan(.post, "\(Self.path(of: name))/tags", json: request)
        return try await transport.value(RepositoryTagCreateResponse.self, plan)
    }

    public func editTag(_ tag: String, ofRepository name: String, _ request: TagEditRequest) async throws {
        try await transport.perform(try RequestPlan(.patch, Self.path(of: name, tag: tag), json: request))
    }

    /// The commit stays.
    public func deleteTag(_ tag: String, ofRepository name: String) async throws {
        try await transport.perform(RequestPlan(.delete, Self.path(of: name, tag: tag)))
    }

    private static func path(of name: String) -> String { "/repositories/\(RequestPlan.segment(name))" }

    private static func path(of name: String, tag: String) -> String {
        "\(path(of: name))/tags/\(RequestPlan.segment(tag))"
    }
}
