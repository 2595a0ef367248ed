import Foundation
import GRDB
import VersAPI
import VersCore

/// A row of table `commitRecord` (COMMIT is a keyword of SQL).
struct CommitRecord: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "commitRecord"

    enum Columns {
        static let kind = Column(CodingKeys.kind)
        static let createdAt = Column(CodingKeys.createdAt)
        static let deletedAt = Column(CodingKeys.deletedAt)
        static let isPublic = Column(CodingKeys.isPublic)
        static let organisationID = Column(CodingKeys.organisationID)
    }

    let id: String
    let ownerID: String
    let organisationID: String
    let kind: String
    let createdAt: Date
    let deletedAt: Date?
    let name: String
    let description: String?
    let isPublic: Bool
    let parentMachineID: String?
    let parentCommitID: String?
    let hardware: Hardware
    let diskMiB: Int
    let memoryLayers: [CommitID]
    let deviceStateLayer: String?
    let diskLayers: [CommitID]
    let compatibility: HypervisorCompatibility
    let network: MachineNetwork?
    let isDurable: Bool

    init(_ commit: Commit) {
        id = commit.id.text
        ownerID = commit.ownerID.text
        organisationID = commit.organisationID.text
        kind = commit.kind.rawValue
        createdAt = commit.createdAt
        deletedAt = commit.deletedAt
        name = commit.name
        description = commit.description
        isPublic = commit.isPublic
        parentMachineID = commit.parentMachineID?.text
        parentCommitID = commit.parentCommitID?.text
        hardware = commit.hardware
        diskMiB = commit.diskMiB
        memoryLayers = commit.memoryLayers
        deviceStateLayer = commit.deviceStateLayer?.text
        diskLayers = commit.diskLayers
        compatibility = commit.compatibility
        network = commit.network
        isDurable = commit.isDurable
    }

    /// - Throws: `.internal` when the row does not make sense: someone else wrote to the database.
    func commit() throws -> Commit {
        guard let id = CommitID(id), let owner = KeyID(ownerID), let organisation = OrganisationID(organisationID),
            let kind = CommitKind(rawValue: kind)
        else {
            throw VersError(.internal, "row of commit '\(id)' in the database is damaged")
        }
        return Commit(
            id: id,
            ownerID: owner,
            organisationID: organisation,
            kind: kind,
            createdAt: createdAt,
            deletedAt: deletedAt,
            name: name,
            description: description,
            isPublic: isPublic,
            parentMachineID: parentMachineID.flatMap(MachineID.init),
            parentCommitID: parentCommitID.flatMap(CommitID.init),
            hardware: hardware,
            diskMiB: diskMiB,
            memoryLayers: memoryLayers,
            deviceStateLayer: deviceStateLayer.flatMap(CommitID.init),
            diskLayers: diskLayers,
            compatibility: compatibility,
            network: network,
            isDurable: isDurable
        )
    }
}
