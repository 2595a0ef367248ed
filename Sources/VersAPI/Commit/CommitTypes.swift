public import Foundation

/// `POST /vm/{id}/commit`; the body may be absent, empty or `{}`.
public struct CommitRequest: Codable, Sendable {
    public var commit_id: CommitID?
    public var name: String?
    public var description: String?

    public init(commit_id: CommitID? = nil, name: String? = nil, description: String? = nil) {
        self.commit_id = commit_id
        self.name = name
        self.description = description
    }
}

public struct CommitResponse: Codable, Sendable, Equatable {
    public var commit_id: CommitID

    public init(commit_id: CommitID) { self.commit_id = commit_id }
}

/// A commit in lists.
public struct CommitInfo: Codable, Sendable, Equatable {
    public var commit_id: CommitID
    public var owner_id: KeyID
    public var name: String
    public var is_public: Bool
    public var created_at: Date
    public var description: String?
    /// The VM it was taken from.
    public var parent_vm_id: MachineID?
    /// The commit that VM was started from.
    public var grandparent_commit_id: CommitID?

    public init(
        commit_id: CommitID,
        owner_id: KeyID,
        name: String,
        is_public: Bool,
        created_at: Date,
        description: String?,
        parent_vm_id: MachineID?,
        grandparent_commit_id: CommitID?
    ) {
        self.commit_id = commit_id
        self.owner_id = owner_id
        self.name = name
        self.is_public = is_public
        self.created_at = created_at
        self.description = description
        self.parent_vm_id = parent_vm_id
        self.grandparent_commit_id = grandparent_commit_id
    }
}

/// A commit in `GET /vm/commits/{id}/parents`: the same facts, with `id` for `commit_id`, as the public API has it.
public struct CommitEntity: Codable, Sendable, Equatable {
    public var id: CommitID
    public var owner_id: KeyID
    public var name: String
    public var is_public: Bool
    public var created_at: Date
    public var description: String?
    public var parent_vm_id: MachineID?
    public var grandparent_commit_id: CommitID?

    public init(_ info: CommitInfo) {
        id = info.commit_id
        owner_id = info.owner_id
        name = info.name
        is_public = info.is_public
        created_at = info.created_at
        description = info.description
        parent_vm_id = info.parent_vm_id
        grandparent_commit_id = info.grandparent_commit_id
    }
}

/// `GET /commits` and `GET /commits/public`.
public struct CommitPage: Codable, Sendable {
    public static let defaultLimit = 50
    public static let maximumLimit = 100

    public var commits: [CommitInfo]
    public var total: Int
    public var limit: Int
    public var offset: Int

    public init(commits: [CommitInfo], total: Int, limit: Int, offset: Int) {
        self.commits = commits
        self.total = total
        self.limit = limit
        self.offset = offset
    }
}

/// `PATCH /commits/{id}`.
public struct CommitEditRequest: Codable, Sendable {
    public var is_public: Bool
    public var name: String?
    public var description: String?

    public init(is_public: Bool, name: String? = nil, description: String? = nil) {
        self.is_public = is_public
        self.name = name
        self.description = description
    }
}

// Optional fields are written as `null`, not left out: clients in languages with fixed records expect the key.

extension CommitInfo {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(commit_id, forKey: .commit_id)
        try container.encode(owner_id, forKey: .owner_id)
        try container.encode(name, forKey: .name)
        try container.encode(is_public, forKey: .is_public)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(description, forKey: .description)
        try container.encode(parent_vm_id, forKey: .parent_vm_id)
        try container.encode(grandparent_commit_id, forKey: .grandparent_commit_id)
    }
}

extension CommitEntity {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(owner_id, forKey: .owner_id)
        try container.encode(name, forKey: .name)
        try container.encode(is_public, forKey: .is_public)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(description, forKey: .description)
        try container.encode(parent_vm_id, forKey: .parent_vm_id)
        try container.encode(grandparent_commit_id, forKey: .grandparent_commit_id)
    }
}
