/// The body of `POST /api/v1/deploy`.
public struct DeployRequest: Codable, Sendable, Equatable {
    /// `owner/repo`.
    public var repo: String
    public var name: String?
    public var branch: String?

    public init(repo: String, name: String? = nil, branch: String? = nil) {
        self.repo = repo
        self.name = name
        self.branch = branch
    }
}
