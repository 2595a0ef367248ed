public import Foundation

/// A tag of a repository.
public struct RepositoryTagInfo: Codable, Sendable, Equatable {
    public var tag_id: TagID
    public var tag_name: String
    public var commit_id: CommitID
    /// `repo:tag`.
    public var reference: String
    public var created_at: Date
    /// When it was last moved or described anew.
    public var updated_at: Date
    public var description: String?

    public init(_ tag: TagInfo, repository: String) {
        tag_id = tag.tag_id
        tag_name = tag.tag_name
        commit_id = tag.commit_id
        reference = "\(repository):\(tag.tag_name)"
        created_at = tag.created_at
        updated_at = tag.updated_at
        description = tag.description
    }
}

/// `GET /repositories/{repo}/tags`.
public struct RepositoryTagList: Codable, Sendable, Equatable {
    /// The repository's name; `org/name` of a public one.
    public var repository: String
    public var tags: [RepositoryTagInfo]

    public init(repository: String, tags: [RepositoryTagInfo]) {
        self.repository = repository
        self.tags = tags
    }
}

/// The answer of `POST /repositories/{repo}/tags`.
public struct RepositoryTagCreateResponse: Codable, Sendable, Equatable {
    public var tag_id: TagID
    public var commit_id: CommitID
    public var reference: String

    public init(tag_id: TagID, commit_id: CommitID, reference: String) {
        self.tag_id = tag_id
        self.commit_id = commit_id
        self.reference = reference
    }
}

/// `POST /repositories/fork`. The names of the new repository and tag are the source's when absent.
public struct ForkRequest: Codable, Sendable {
    public var source_org: String
    public var source_repo: String
    public var source_tag: String
    public var repo_name: String?
    public var tag_name: String?

    public init(
        source_org: String,
        source_repo: String,
        source_tag: String,
        repo_name: String? = nil,
        tag_name: String? = nil
    ) {
        self.source_org = source_org
        self.source_repo = source_repo
        self.source_tag = source_tag
        self.repo_name = repo_name
        self.tag_name = tag_name
    }
}

/// The answer of `POST /repositories/fork`. The VM runs.
public struct ForkResponse: Codable, Sendable, Equatable {
    public var repo_name: String
    public var tag_name: String
    public var reference: String
    public var commit_id: CommitID
    public var vm_id: MachineID

    public init(repo_name: String, tag_name: String, commit_id: CommitID, vm_id: MachineID) {
        self.repo_name = repo_name
        self.tag_name = tag_name
        self.reference = "\(repo_name):\(tag_name)"
        self.commit_id = commit_id
        self.vm_id = vm_id
    }
}

extension RepositoryTagInfo {
    /// An absent description is written as `null`, like everywhere in the API.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tag_id, forKey: .tag_id)
        try container.encode(tag_name, forKey: .tag_name)
        try container.encode(commit_id, forKey: .commit_id)
        try container.encode(reference, forKey: .reference)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(updated_at, forKey: .updated_at)
        try container.encode(description, forKey: .description)
    }
}
