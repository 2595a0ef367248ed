public import Foundation
public import VersAPI

/// Why a commit exists, which decides who sees it and when it goes.
public enum CommitKind: String, Sendable, Codable, CaseIterable {
    /// Asked for by a person: listed, kept until deleted.
    case named
    /// Made by a branch: reachable by its id, reclaimed when no VM descends from it. A tag makes it `named`.
    case branch
    /// The memory of a sleeping VM: goes when it wakes.
    case sleep
    /// The booted state of an image, from which root VMs start: belongs to nobody's tree.
    case boot
}

/// Everything that is recorded of a commit. Its bytes are in the layers that it names.
public struct Commit: Sendable, Equatable, Identifiable {
    public let id: CommitID
    public let ownerID: KeyID
    public let organisationID: OrganisationID
    public let kind: CommitKind
    public let createdAt: Date
    public var deletedAt: Date?
    public var name: String
    public var description: String?
    public var isPublic: Bool

    /// The VM it was taken from.
    public let parentMachineID: MachineID?
    /// The commit that VM was started from.
    public let parentCommitID: CommitID?

    public let hardware: Hardware
    public let diskMiB: Int
    /// The commits whose memory layers make up guest memory, the oldest first. Empty when the commit was taken
    /// from a VM without memory; a VM started from it then boots.
    public let memoryLayers: [CommitID]
    /// The commit in whose directory the device state lies. Nil exactly when `memoryLayers` is empty.
    public let deviceStateLayer: CommitID?
    /// The commits whose disk layers lie over the image, the oldest first.
    public let diskLayers: [CommitID]
    public let compatibility: HypervisorCompatibility
    /// The network of the VM that it was taken from, of which VMs started from it have their own address and policy.
    public let network: MachineNetwork?
    /// Whether every layer and the manifest are on stable storage.
    public var isDurable: Bool

    public init(
        id: CommitID,
        ownerID: KeyID,
        organisationID: OrganisationID,
        kind: CommitKind,
        createdAt: Date,
        deletedAt: Date? = nil,
        name: String,
        description: String? = nil,
        isPublic: Bool = false,
        parentMachineID: MachineID?,
        parentCommitID: CommitID?,
        hardware: Hardware,
        diskMiB: Int,
        memoryLayers: [CommitID],
        deviceStateLayer: CommitID?,
        diskLayers: [CommitID],
        compatibility: HypervisorCompatibility,
        network: MachineNetwork? = nil,
        isDurable: Bool = false
    ) {
        self.id = id
        self.ownerID = ownerID
        self.organisationID = organisationID
        self.kind = kind
        self.createdAt = createdAt
        self.deletedAt = deletedAt
        self.name = name
        self.description = description
        self.isPublic = isPublic
        self.parentMachineID = parentMachineID
        self.parentCommitID = parentCommitID
        self.hardware = hardware
        self.diskMiB = diskMiB
        self.memoryLayers = memoryLayers
        self.deviceStateLayer = deviceStateLayer
        self.diskLayers = diskLayers
        self.compatibility = compatibility
        self.network = network
        self.isDurable = isDurable
    }

    /// Whether a VM started from it goes on running, rather than boots.
    public var hasMemory: Bool { deviceStateLayer != nil }

    /// Whether it is the organisation's own, or public; also once it is deleted. ``Access`` decides what may be used.
    func isReadable(by principal: Principal) -> Bool {
        kind != .boot && (isPublic || organisationID == principal.organisationID)
    }

    var info: CommitInfo {
        CommitInfo(
            commit_id: id,
            owner_id: ownerID,
            name: name,
            is_public: isPublic,
            created_at: createdAt,
            description: description,
            parent_vm_id: parentMachineID,
            grandparent_commit_id: parentCommitID
        )
    }
}
