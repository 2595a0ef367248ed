public import Foundation
public import VersAPI

/// Where a tag's name is unique.
public enum TagScope: Hashable, Sendable {
    case organisation(OrganisationID)
    case repository(RepositoryID)
}

/// A name for a commit. Keeps the commit from being deleted; can be moved to another.
public struct Tag: Sendable, Equatable, Identifiable {
    public let id: TagID
    public let scope: TagScope
    public let name: String
    public var commitID: CommitID
    public var description: String?
    public let createdAt: Date
    /// When it was last moved or described anew.
    public var updatedAt: Date

    public init(
        id: TagID = TagID(),
        scope: TagScope,
        name: String,
        commitID: CommitID,
        description: String?,
        createdAt: Date,
        updatedAt: Date
    ) {
        self.id = id
        self.scope = scope
        self.name = name
        self.commitID = commitID
        self.description = description
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }

    var info: TagInfo {
        TagInfo(
            tag_id: id,
            tag_name: name,
            commit_id: commitID,
            created_at: createdAt,
            updated_at: updatedAt,
            description: description
        )
    }
}
