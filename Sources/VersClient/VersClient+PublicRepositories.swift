public import VersAPI

/// What needs no valid key.
extension VersClient {
    /// The public repositories of every organisation.
    public func publicRepositories() async throws -> [PublicRepositoryInfo] {
        let plan = RequestPlan(.get, "/public/repositories")
        return try await transport.value(PublicRepositoryList.self, plan).repositories
    }

    public func publicRepository(_ name: String, of organisation: String) async throws -> PublicRepositoryInfo {
        let plan = RequestPlan(.get, Self.publicPath(of: name, organisation))
        return try await transport.value(PublicRepositoryInfo.self, plan)
    }

    public func tags(ofPublicRepository name: String, of organisation: String) async throws -> RepositoryTagList {
        let plan = RequestPlan(.get, "\(Self.publicPath(of: name, organisation))/tags")
        return try await transport.value(RepositoryTagList.self, plan)
    }

    public func tag(
        _ tag: String,
        ofPublicRepository name: String,
        of organisation: String
    ) async throws -> RepositoryTagInfo {
        let path = "\(Self.publicPath(of: name, organisation))/tags/\(RequestPlan.segment(tag))"
        return try await transport.value(RepositoryTagInfo.self, RequestPlan(.get, path))
    }

    private static func publicPath(of name: String, _ organisation: String) -> String {
        "/public/repositories/\(RequestPlan.segment(organisation))/\(RequestPlan.segment(name))"
    }
}
