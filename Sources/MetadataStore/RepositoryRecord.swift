import Foundation
import GRDB
import VersAPI
import VersCore

/// A row of table `repository`.
struct RepositoryRecord: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "repository"

    enum Columns {
        static let organisationID = Column(CodingKeys.organisationID)
        static let name = Column(CodingKeys.name)
        static let isPublic = Column(CodingKeys.isPublic)
    }

    let id: String
    let organisationID: String
    let name: String
    let description: String?
    let isPublic: Bool
    let createdAt: Date

    init(_ repository: Repository) {
        id = repository.id.text
        organisationID = repository.organisationID.text
        name = repository.name
        description = repository.description
        isPublic = repository.isPublic
        createdAt = repository.createdAt
    }

    /// - Throws: `.internal` when the row does not make sense: someone else wrote to the database.
    func repository() throws -> Repository {
        guard let id = RepositoryID(id), let organisation = OrganisationID(organisationID) else {
            throw VersError(.internal, "row of repository '\(id)' in the database is damaged")
        }
        return Repository(
            id: id,
            organisationID: organisation,
            name: name,
            description: description,
            isPublic: isPublic,
            createdAt: createdAt
        )
    }

    static func named(_ name: String, of organisation: OrganisationID) -> QueryInterfaceRequest<RepositoryRecord> {
        filter(Columns.organisationID == organisation.text && Columns.name == name)
    }
}
