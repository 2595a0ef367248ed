public import Foundation
public import VersAPI

/// A named group of tags.
public struct Repository: Sendable, Equatable, Identifiable {
    public let id: RepositoryID
    public let organisationID: OrganisationID
    public let name: String
    public var description: String?
    /// Whether everybody may read it, and start VMs from the commits that its tags name.
    public var isPublic: Bool
    public let createdAt: Date

    public init(
        id: RepositoryID = RepositoryID(),
        organisationID: OrganisationID,
        name: String,
        description: String?,
        isPublic: Bool = false,
        createdAt: Date
    ) {
        self.id = id
        self.organisationID = organisationID
        self.name = name
        self.description = description
        self.isPublic = isPublic
        self.createdAt = createdAt
    }

    var info: RepositoryInfo {
        RepositoryInfo(
            repo_id: id,
            name: name,
            is_public: isPublic,
            created_at: createdAt,
            description: description
        )
    }
}

/// What a fork makes, recorded in one transaction.
public struct Fork: Sendable {
    public var commit: Commit
    public var machine: Machine
    public var repository: Repository
    public var tag: Tag

    public init(commit: Commit, machine: Machine, repository: Repository, tag: Tag) {
        self.commit = commit
        self.machine = machine
        self.repository = repository
        self.tag = tag
    }
}
