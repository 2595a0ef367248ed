public import Foundation
public import VersAPI

/// The size of a VM and the image it started from: inherited by every child, fixed for life.
public struct Hardware: Sendable, Hashable, Codable {
    public var memoryMiB: Int
    public var vcpuCount: Int
    public var imageName: String
    /// Which build of the image lies under the disk.
    public var imageBuild: String

    public init(memoryMiB: Int, vcpuCount: Int, imageName: String, imageBuild: String) {
        self.memoryMiB = memoryMiB
        self.vcpuCount = vcpuCount
        self.imageName = imageName
        self.imageBuild = imageBuild
    }
}

/// Everything that is recorded of a VM. What only a live process knows is in ``LiveMachine``.
public struct Machine: Sendable, Equatable, Identifiable {
    public let id: MachineID
    public let ownerID: KeyID
    public let organisationID: OrganisationID
    public let createdAt: Date
    public var deletedAt: Date?

    public var state: MachineState
    public var stateReason: String?
    public var labels: [String: String]?
    /// Whether its ports, but for SSH, need a link or a key. A VM that starts from a private one is private.
    public var isPrivate = false
    /// Variables of its own, over those of its organisation. A VM that starts from it has them too. Never logged.
    public var environment: [String: String] = [:]

    public let hardware: Hardware
    /// The size of the disk that the guest sees. Grows, never shrinks.
    public var diskMiB: Int

    /// The commit it was started from. Nil for a root.
    public let parentCommitID: CommitID?
    /// The VM that commit was taken from. Nil for a root, and when that VM belongs to another organisation.
    public let parentMachineID: MachineID?

    /// Nil when there is no process.
    public var process: ProcessIdentity?
    /// The name, in the VM's directory, of the file that takes the guest's writes. Nil until it exists.
    public var activeDisk: String?
    /// The commits whose disk layers lie between the image and the active disk, the oldest first.
    public var diskLayers: [CommitID]
    /// The commits whose memory layers the process was started with, the oldest first.
    public var startMemoryLayers: [CommitID]
    /// The same up to the last freeze that the process still knows as its mark; empty without one.
    public var markedMemoryLayers: [CommitID]
    /// The hidden commit that holds the memory of a sleeping VM.
    public var sleepCommitID: CommitID?
    /// What connections do to it.
    public var traffic: TrafficPolicy

    /// Its place in the private network of its tree. Nil with the user-mode network.
    public var network: MachineNetwork?

    public let credentials: MachineCredentials

    public init(
        id: MachineID,
        ownerID: KeyID,
        organisationID: OrganisationID,
        createdAt: Date,
        deletedAt: Date? = nil,
        state: MachineState,
        stateReason: String? = nil,
        labels: [String: String]?,
        hardware: Hardware,
        diskMiB: Int,
        parentCommitID: CommitID?,
        parentMachineID: MachineID?,
        process: ProcessIdentity? = nil,
        activeDisk: String? = nil,
        diskLayers: [CommitID] = [],
        startMemoryLayers: [CommitID] = [],
        markedMemoryLayers: [CommitID] = [],
        sleepCommitID: CommitID? = nil,
        network: MachineNetwork? = nil,
        traffic: TrafficPolicy = TrafficPolicy(),
        credentials: MachineCredentials
    ) {
        self.id = id
        self.ownerID = ownerID
        self.organisationID = organisationID
        self.createdAt = createdAt
        self.deletedAt = deletedAt
        self.state = state
        self.stateReason = stateReason
        self.labels = labels
        self.hardware = hardware
        self.diskMiB = diskMiB
        self.parentCommitID = parentCommitID
        self.parentMachineID = parentMachineID
        self.process = process
        self.activeDisk = activeDisk
        self.diskLayers = diskLayers
        self.startMemoryLayers = startMemoryLayers
        self.markedMemoryLayers = markedMemoryLayers
        self.sleepCommitID = sleepCommitID
        self.network = network
        self.traffic = traffic
        self.credentials = credentials
    }

    /// Whoever created it.
    var owner: Principal { Principal(keyID: ownerID, organisationID: organisationID) }

    /// The host name that a guest gets when its user never chose one.
    public var generatedHostname: String { "vm-\(id.text.prefix(8))" }
}

/// The keys of one VM: a child has its own from its first instruction on. Never logged.
public struct MachineCredentials: Sendable, Equatable, Codable, CustomStringConvertible {
    /// The private key whose public half root's `authorized_keys` holds, in OpenSSH's PEM format.
    public let userKey: String
    /// The public half, as one line.
    public let authorizedKey: String
    /// The private host key of the guest's sshd.
    public let hostKey: String

    public init(userKey: String, authorizedKey: String, hostKey: String) {
        self.userKey = userKey
        self.authorizedKey = authorizedKey
        self.hostKey = hostKey
    }

    public var description: String { "<redacted>" }
}

extension Machine {
    /// What the guest is told to be, with the clock and the entropy of this moment.
    func identity(entropy: [UInt8], environment: [String: String], dropsConnections: Bool) -> GuestIdentity {
        GuestIdentity(
            machineID: id,
            entropy: entropy,
            wallClockNanoseconds: UInt64(Date().timeIntervalSince1970 * 1_000_000_000),
            hostname: generatedHostname,
            authorizedKey: credentials.authorizedKey,
            sshHostKey: credentials.hostKey,
            environment: environment,
            dropsConnections: dropsConnections
        )
    }

    var summary: MachineSummary {
        MachineSummary(
            vm_id: id,
            owner_id: ownerID,
            state: state,
            created_at: createdAt,
            labels: labels,
            parent_vm_id: parentMachineID,
            parent_commit_id: parentCommitID,
            mem_size_mib: hardware.memoryMiB,
            vcpu_count: hardware.vcpuCount,
            fs_size_mib: diskMiB,
            state_reason: stateReason
        )
    }
}
