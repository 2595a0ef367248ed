public import Foundation

/// A repository: a named group of tags.
public struct RepositoryInfo: Codable, Sendable, Equatable {
    public var repo_id: RepositoryID
    public var name: String
    public var is_public: Bool
    public var created_at: Date
    public var description: String?

    public init(repo_id: RepositoryID, name: String, is_public: Bool, created_at: Date, description: String?) {
        self.repo_id = repo_id
        self.name = name
        self.is_public = is_public
        self.created_at = created_at
        self.description = description
    }
}

/// A public repository, as everybody sees it.
public struct PublicRepositoryInfo: Codable, Sendable, Equatable {
    public var repo_id: RepositoryID
    public var org_name: String
    public var name: String
    /// `org/name`.
    public var full_name: String
    public var created_at: Date
    public var description: String?

    public init(repo_id: RepositoryID, org_name: String, name: String, created_at: Date, description: String?) {
        self.repo_id = repo_id
        self.org_name = org_name
        self.name = name
        self.full_name = "\(org_name)/\(name)"
        self.created_at = created_at
        self.description = description
    }
}

/// `GET /repositories`.
public struct RepositoryList: Codable, Sendable, Equatable {
    public var repositories: [RepositoryInfo]

    public init(repositories: [RepositoryInfo]) { self.repositories = repositories }
}

/// `GET /public/repositories`.
public struct PublicRepositoryList: Codable, Sendable, Equatable {
    public var repositories: [PublicRepositoryInfo]

    public init(repositories: [PublicRepositoryInfo]) { self.repositories = repositories }
}

/// `POST /repositories`.
public struct RepositoryCreateRequest: Codable, Sendable {
    public var name: String
    public var description: String?

    public init(name: String, description: String? = nil) {
        self.name = name
        self.description = description
    }
}

/// The answer of `POST /repositories`.
public struct RepositoryCreateResponse: Codable, Sendable, Equatable {
    public var repo_id: RepositoryID
    public var name: String

    public init(repo_id: RepositoryID, name: String) {
        self.repo_id = repo_id
        self.name = name
    }
}

/// `PATCH /repositories/{repo}/visibility`.
public struct VisibilityRequest: Codable, Sendable {
    public var is_public: Bool

    public init(is_public: Bool) { self.is_public = is_public }
}

// Optional fields are written as `null`, not left out: clients in languages with fixed records expect the key.

extension RepositoryInfo {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(repo_id, forKey: .repo_id)
        try container.encode(name, forKey: .name)
        try container.encode(is_public, forKey: .is_public)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(description, forKey: .description)
    }
}

extension PublicRepositoryInfo {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(repo_id, forKey: .repo_id)
        try container.encode(org_name, forKey: .org_name)
        try container.encode(name, forKey: .name)
        try container.encode(full_name, forKey: .full_name)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(description, forKey: .description)
    }
}
