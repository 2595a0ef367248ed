import Logging
public import VersAPI

/// Everything that can be asked about and done to VMs. The API's routes call this and nothing below it.
///
/// One operation at a time changes a VM; others wait their turn. An operation that throws has left every VM and
/// commit as it was before, except where its own comment says otherwise.
public final class MachineService: Sendable {
    let domain: Domain
    let supervisor: MachineSupervisor
    let launcher: MachineLauncher
    let freezer: MachineFreezer
    let bootCommits: BootCommits

    public init(domain: Domain) {
        self.domain = domain
        supervisor = MachineSupervisor(domain: domain)
        launcher = MachineLauncher(domain: domain, supervisor: supervisor)
        freezer = MachineFreezer(domain: domain)
        bootCommits = BootCommits(domain: domain, launcher: launcher, freezer: freezer)
    }

    // MARK: Reading

    /// The organisation's live VMs, the oldest first.
    public func list(for principal: Principal) async throws -> [MachineSummary] {
        try await domain.metadata.summaries(of: principal.organisationID)
    }

    public func summary(of id: MachineID, for principal: Principal) async throws -> MachineSummary {
        try await record(id, for: principal).summary
    }

    /// Also of a deleted VM.
    public func metadata(of id: MachineID, for principal: Principal) async throws -> MachineMetadata {
        guard let machine = try await domain.metadata.machine(id),
            machine.organisationID == principal.organisationID
        else { throw Self.notFound(id) }
        let accelerator = domain.hypervisor.accelerator
        return MachineMetadata(
            vm_id: machine.id,
            owner_id: machine.ownerID,
            state: machine.state,
            created_at: machine.createdAt,
            deleted_at: machine.deletedAt,
            ip: machine.network?.address.description ?? GuestNetwork.address,
            hostname: "\(machine.id).vm.\(domain.configuration.domain)",
            parent_commit_id: machine.parentCommitID,
            grandparent_vm_id: machine.parentMachineID,
            mem_size_mib: machine.hardware.memoryMiB,
            vcpu_count: machine.hardware.vcpuCount,
            fs_size_mib: machine.diskMiB,
            image_name: machine.hardware.imageName,
            labels: machine.labels,
            accelerator: accelerator.name,
            accelerator_reason: accelerator.reason,
            state_reason: machine.stateReason,
            network: machine.networkInfo,
            wake_on_traffic: machine.traffic.wakes,
            idle_timeout_secs: Int(domain.idleTime(of: machine).components.seconds),
            is_private: machine.isPrivate
        )
    }

    public func sshKey(of id: MachineID, for principal: Principal) async throws -> SSHKeyResponse {
        let credentials = try await record(id, for: principal).credentials
        return SSHKeyResponse(
            ssh_private_key: credentials.userKey,
            ssh_port: 22,
            ssh_host_key: credentials.hostPublicKey
        )
    }

    /// The VM or commit that `text` names.
    /// - Throws: `.notFound`.
    public func branchSource(named text: String, for principal: Principal) async throws -> BranchSource {
        if let id = MachineID(text), let machine = try await domain.metadata.machine(id), machine.deletedAt == nil,
            machine.organisationID == principal.organisationID
        {
            return .machine(id)
        }
        guard let id = CommitID(text) else {
            throw VersError(.notFound, "commit not found: '\(text)' names no vm and no commit")
        }
        return .commit(try await commitRecord(id, for: principal).id)
    }

    // MARK: Small changes

    public func upsertLabels(
        _ labels: [String: String],
        of id: MachineID,
        for principal: Principal
    ) async throws {
        try Validation.labels(labels)
        try requireNetworkName(in: labels, of: try await record(id, for: principal))
        let changed = try await domain.metadata.update(id) {
            let merged = ($0.labels ?? [:]).merging(labels) { $1 }
            if merged.count <= Validation.labelCount { $0.labels = merged }
        }
        guard labels.allSatisfy({ changed.labels?[$0.key] == $0.value }) else {
            throw VersError(
                .invalidArgument,
                "vm \(id) has \(changed.labels?.count ?? 0) labels, with these it would have more than "
                    + "\(Validation.labelCount)",
                hint: "remove some first: vers label delete \(id) <name>"
            )
        }
        try await updateNames(of: changed)
    }

    // MARK: Shared by the operations

    /// The record of a VM that is not deleted and that `principal` may see: to others it is as unknown as any.
    func record(_ id: MachineID, for principal: Principal) async throws -> Machine {
        let machine = try await record(id)
        guard machine.organisationID == principal.organisationID else { throw Self.notFound(id) }
        return machine
    }

    /// The record of a VM that is not deleted, whosever it is: for operations that have checked before.
    func record(_ id: MachineID) async throws -> Machine {
        guard let machine = try await domain.metadata.machine(id), machine.deletedAt == nil else {
            throw Self.notFound(id)
        }
        return machine
    }

    /// The record of a commit that is not deleted and that `principal` may see.
    func commitRecord(_ id: CommitID, for principal: Principal) async throws -> Commit {
        try await Access(domain: domain).commit(id, visibleTo: principal)
    }

    /// The process of a VM whose record says that it has one.
    func live(_ machine: Machine) async throws -> LiveMachine {
        guard let live = await domain.registry.machine(machine.id) else {
            throw VersError(
                .unavailable,
                "vm \(machine.id) is \(machine.state), but its process is gone",
                hint: "look at it again with: vers info \(machine.id)"
            )
        }
        return live
    }

    static func notFound(_ id: MachineID) -> VersError {
        VersError(.notFound, "vm not found: \(id)", hint: "list VMs with: vers status")
    }
}

public enum BranchSource: Sendable, Hashable {
    case machine(MachineID)
    case commit(CommitID)
}

public struct FreezeOptions: Sendable, Hashable {
    /// Leave the source paused.
    public var keepPaused: Bool
    /// Fail with `.conflict` instead of waiting for a VM that boots.
    public var skipWaitBoot: Bool

    public init(keepPaused: Bool = false, skipWaitBoot: Bool = false) {
        self.keepPaused = keepPaused
        self.skipWaitBoot = skipWaitBoot
    }
}

public struct ConsoleChunk: Sendable {
    public var bytes: [UInt8]
    public var nextOffset: UInt64

    public init(bytes: [UInt8], nextOffset: UInt64) {
        self.bytes = bytes
        self.nextOffset = nextOffset
    }
}

/// What every guest sees of its network, whether that is QEMU's user-mode network or a private one.
enum GuestNetwork {
    static let address = "10.0.2.15"
}
