import Foundation
import GRDB
import VersAPI
import VersCore

/// A row of table `importedImage`.
struct ImportedImageRecord: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "importedImage"

    enum Columns {
        static let organisationID = Column(CodingKeys.organisationID)
        static let name = Column(CodingKeys.name)
        static let createdAt = Column(CodingKeys.createdAt)
    }

    let id: String
    let organisationID: String
    let ownerID: String
    let name: String
    let source: ImportedImage.Source
    let size: ImportedImage.Size
    let description: String?
    let createdAt: Date
    let state: ImportedImage.State
    let diskMiB: Int?
    let failure: ImportedImage.Failure?

    init(_ image: ImportedImage) {
        id = image.id.text
        organisationID = image.organisationID.text
        ownerID = image.ownerID.text
        name = image.name
        source = image.source
        size = image.size
        description = image.description
        createdAt = image.createdAt
        state = image.state
        diskMiB = image.diskMiB
        failure = image.failure
    }

    /// - Throws: `.internal` when the row does not make sense: someone else wrote to the database.
    func image() throws -> ImportedImage {
        guard let id = BaseImageID(id), let organisation = OrganisationID(organisationID), let owner = KeyID(ownerID)
        else { throw VersError(.internal, "row of image '\(id)' in the database is damaged") }
        return ImportedImage(
            id: id,
            organisationID: organisation,
            ownerID: owner,
            name: name,
            source: source,
            size: size,
            description: description,
            createdAt: createdAt,
            state: state,
            diskMiB: diskMiB,
            failure: failure
        )
    }
}
