public import VersAPI

extension VersClient {
    /// The organisation's tags, by name.
    public func tags() async throws -> [TagInfo] {
        try await transport.value(TagList.self, RequestPlan(.get, "/commit_tags")).tags
    }

    public func tag(_ name: String) async throws -> TagInfo {
        try await transport.value(TagInfo.self, RequestPlan(.get, Self.path(ofTag: name)))
    }

    /// - Throws: `.alreadyExists`.
    public func createTag(_ request: TagCreateRequest) async throws -> TagCreateResponse {
        try await transport.value(TagCreateResponse.self, try RequestPlan(.post, "/commit_tags", json: request))
    }

    public func editTag(_ name: String, _ request: TagEditRequest) async throws {
        try await transport.perform(try RequestPlan(.patch, Self.path(ofTag: name), json: request))
    }

    /// The commit stays.
    public func deleteTag(_ name: String) async throws {
        try await transport.perform(RequestPlan(.delete, Self.path(ofTag: name)))
    }

    private static func path(ofTag name: String) -> String { "/commit_tags/\(RequestPlan.segment(name))" }
}
