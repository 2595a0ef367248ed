import Foundation
import GRDB
import VersAPI
import VersCore

/// A row of table `tag`.
struct TagRecord: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "tag"

    enum Columns {
        static let organisationID = Column(CodingKeys.organisationID)
        static let repositoryID = Column(CodingKeys.repositoryID)
        static let name = Column(CodingKeys.name)
    }

    let id: String
    let organisationID: String?
    let repositoryID: String?
    let name: String
    let commitID: String
    let description: String?
    let createdAt: Date
    let updatedAt: Date

    init(_ tag: Tag) {
        id = tag.id.text
        switch tag.scope {
        case .organisation(let organisation):
            organisationID = organisation.text
            repositoryID = nil
        case .repository(let repository):
            organisationID = nil
            repositoryID = repository.text
        }
        name = tag.name
        commitID = tag.commitID.text
        description = tag.description
        createdAt = tag.createdAt
        updatedAt = tag.updatedAt
    }

    /// - Throws: `.internal` when the row does not make sense: someone else wrote to the database.
    func tag() throws -> Tag {
        let scope: TagScope? =
            if let organisation = organisationID.flatMap(OrganisationID.init) {
                .organisation(organisation)
            } else {
                repositoryID.flatMap(RepositoryID.init).map(TagScope.repository)
            }
        guard let id = TagID(id), let scope, let commit = CommitID(commitID) else {
            throw VersError(.internal, "row of tag '\(id)' in the database is damaged")
        }
        return Tag(
            id: id,
            scope: scope,
            name: name,
            commitID: commit,
            description: description,
            createdAt: createdAt,
            updatedAt: updatedAt
        )
    }

    /// The tags of a scope.
    static func all(in scope: TagScope) -> QueryInterfaceRequest<TagRecord> {
        switch scope {
        case .organisation(let id): filter(Columns.organisationID == id.text)
        case .repository(let id): filter(Columns.repositoryID == id.text)
        }
    }
}
