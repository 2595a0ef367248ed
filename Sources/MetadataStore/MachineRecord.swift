import Foundation
import GRDB
import VersAPI
import VersCore

/// A row of table `machine`. Ids are text and structured values JSON, both through `Codable`.
struct MachineRecord: Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "machine"

    enum Columns {
        static let id = Column(CodingKeys.id)
        static let organisationID = Column(CodingKeys.organisationID)
        static let createdAt = Column(CodingKeys.createdAt)
        static let deletedAt = Column(CodingKeys.deletedAt)
        static let parentMachineID = Column(CodingKeys.parentMachineID)
        static let parentCommitID = Column(CodingKeys.parentCommitID)
    }

    let id: String
    let ownerID: String
    let organisationID: String
    let createdAt: Date
    let deletedAt: Date?
    let state: String
    let stateReason: String?
    let labels: [String: String]?
    let isPrivate: Bool
    let environment: [String: String]?
    let hardware: Hardware
    let diskMiB: Int
    let parentCommitID: String?
    let parentMachineID: String?
    let process: ProcessIdentity?
    let activeDisk: String?
    let diskLayers: [CommitID]
    let startMemoryLayers: [CommitID]
    let markedMemoryLayers: [CommitID]
    let sleepCommitID: String?
    let network: MachineNetwork?
    let traffic: TrafficPolicy?
    let credentials: MachineCredentials

    init(_ machine: Machine) {
        id = machine.id.text
        ownerID = machine.ownerID.text
        organisationID = machine.organisationID.text
        createdAt = machine.createdAt
        deletedAt = machine.deletedAt
        state = machine.state.rawValue
        stateReason = machine.stateReason
        labels = machine.labels
        isPrivate = machine.isPrivate
        environment = machine.environment.isEmpty ? nil : machine.environment
        hardware = machine.hardware
        diskMiB = machine.diskMiB
        parentCommitID = machine.parentCommitID?.text
        parentMachineID = machine.parentMachineID?.text
        process = machine.process
        activeDisk = machine.activeDisk
        diskLayers = machine.diskLayers
        startMemoryLayers = machine.startMemoryLayers
        markedMemoryLayers = machine.markedMemoryLayers
        sleepCommitID = machine.sleepCommitID?.text
        network = machine.network
        traffic = machine.traffic
        credentials = machine.credentials
    }

    /// - Throws: `.internal` when the row does not make sense: someone else wrote to the database.
    func machine() throws -> Machine {
        guard let id = MachineID(id), let owner = KeyID(ownerID), let organisation = OrganisationID(organisationID),
            let state = MachineState(rawValue: state)
        else {
            throw VersError(.internal, "row of vm '\(id)' in the database is damaged")
        }
        var machine = Machine(
            id: id,
            ownerID: owner,
            organisationID: organisation,
            createdAt: createdAt,
            deletedAt: deletedAt,
            state: state,
            stateReason: stateReason,
            labels: labels,
            hardware: hardware,
            diskMiB: diskMiB,
            parentCommitID: parentCommitID.flatMap(CommitID.init),
            parentMachineID: parentMachineID.flatMap(MachineID.init),
            process: process,
            activeDisk: activeDisk,
            diskLayers: diskLayers,
            startMemoryLayers: startMemoryLayers,
            markedMemoryLayers: markedMemoryLayers,
            sleepCommitID: sleepCommitID.flatMap(CommitID.init),
            network: network,
            traffic: traffic ?? TrafficPolicy(),
            credentials: credentials
        )
        machine.isPrivate = isPrivate
        machine.environment = environment ?? [:]
        return machine
    }
}
