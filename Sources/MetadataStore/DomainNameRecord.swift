import Foundation
import GRDB
import VersAPI
import VersCore

/// A row of table `domainName`.
struct DomainNameRecord: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "domainName"

    enum Columns {
        static let id = Column(CodingKeys.id)
        static let organisationID = Column(CodingKeys.organisationID)
        static let name = Column(CodingKeys.name)
        static let machineID = Column(CodingKeys.machineID)
    }

    let id: String
    let organisationID: String
    let name: String
    let machineID: String
    let createdAt: Date

    init(_ domainName: DomainName) {
        id = domainName.id.text
        organisationID = domainName.organisationID.text
        name = domainName.name
        machineID = domainName.machineID.text
        createdAt = domainName.createdAt
    }

    /// - Throws: `.internal` when the row does not make sense: someone else wrote to the database.
    func domainName() throws -> DomainName {
        guard let id = DomainID(id), let organisation = OrganisationID(organisationID),
            let machine = MachineID(machineID)
        else { throw VersError(.internal, "row of domain '\(id)' in the database is damaged") }
        return DomainName(
            id: id,
            organisationID: organisation,
            name: name,
            machineID: machine,
            createdAt: createdAt
        )
    }
}
