public import Foundation

/// A tag of an organisation: a name for a commit that can be moved to another.
public struct TagInfo: Codable, Sendable, Equatable {
    public var tag_id: TagID
    public var tag_name: String
    public var commit_id: CommitID
    public var created_at: Date
    /// When it was last moved or described anew.
    public var updated_at: Date
    public var description: String?

    public init(
        tag_id: TagID,
        tag_name: String,
        commit_id: CommitID,
        created_at: Date,
        updated_at: Date,
        description: String?
    ) {
        self.tag_id = tag_id
        self.tag_name = tag_name
        self.commit_id = commit_id
        self.created_at = created_at
        self.updated_at = updated_at
        self.description = description
    }
}

/// `GET /commit_tags`.
public struct TagList: Codable, Sendable, Equatable {
    public var tags: [TagInfo]

    public init(tags: [TagInfo]) { self.tags = tags }
}

/// `POST /commit_tags` and `POST /repositories/{repo}/tags`.
public struct TagCreateRequest: Codable, Sendable {
    public var tag_name: String
    public var commit_id: CommitID
    public var description: String?

    public init(tag_name: String, commit_id: CommitID, description: String? = nil) {
        self.tag_name = tag_name
        self.commit_id = commit_id
        self.description = description
    }
}

/// The answer of `POST /commit_tags`.
public struct TagCreateResponse: Codable, Sendable, Equatable {
    public var tag_id: TagID
    public var tag_name: String
    public var commit_id: CommitID

    public init(tag_id: TagID, tag_name: String, commit_id: CommitID) {
        self.tag_id = tag_id
        self.tag_name = tag_name
        self.commit_id = commit_id
    }
}

/// `PATCH /commit_tags/{tag}` and `PATCH /repositories/{repo}/tags/{tag}`: moves a tag, describes it anew, or both.
public struct TagEditRequest: Codable, Sendable, Equatable {
    private enum CodingKeys: CodingKey {
        case commit_id
        case description
    }

    public var commit_id: CommitID?
    /// `null` clears the description.
    public var description: FieldEdit<String>

    public init(commit_id: CommitID? = nil, description: FieldEdit<String> = .keep) {
        self.commit_id = commit_id
        self.description = description
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        commit_id = try container.decodeIfPresent(CommitID.self, forKey: .commit_id)
        description = try container.decodeEdit(String.self, forKey: .description)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(commit_id, forKey: .commit_id)
        try container.encode(description, forKey: .description)
    }

    /// Whether it changes nothing.
    public var isEmpty: Bool { commit_id == nil && description == .keep }
}

// Optional fields are written as `null`, not left out: clients in languages with fixed records expect the key.

extension TagInfo {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(tag_id, forKey: .tag_id)
        try container.encode(tag_name, forKey: .tag_name)
        try container.encode(commit_id, forKey: .commit_id)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(updated_at, forKey: .updated_at)
        try container.encode(description, forKey: .description)
    }
}
