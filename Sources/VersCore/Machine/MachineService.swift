public import VersAPI

/// Everything that can be asked about and done to VMs. The API's routes call this and nothing below it.
public final class MachineService: Sendable {
    /// Live VMs, the oldest first.
    public func list() async throws -> [MachineSummary] { fatalError() }

    public func summary(of id: MachineID) async throws -> MachineSummary { fatalError() }

    /// Also of a deleted VM.
    public func metadata(of id: MachineID) async throws -> MachineMetadata { fatalError() }

    /// Creates a root VM.
    /// - Parameter waitForBoot: false returns as soon as the VM exists, in state `booting`.
    public func create(
        _ configuration: MachineConfiguration,
        owner: KeyID,
        waitForBoot: Bool
    ) async throws -> MachineID { fatalError() }

    /// Starts a VM from a commit. The VM is `running` when the call returns.
    public func create(from commit: CommitID, owner: KeyID) async throws -> MachineID { fatalError() }

    /// Branches a VM or a commit into `count` new VMs that share one freeze. They are `running` when the call returns.
    public func branch(
        _ source: BranchSource,
        count: Int,
        options: FreezeOptions,
        owner: KeyID
    ) async throws -> [MachineID] { fatalError() }

    public func commit(
        _ id: MachineID,
        request: CommitRequest,
        options: FreezeOptions,
        owner: KeyID
    ) async throws -> CommitID { fatalError() }

    /// Does nothing when the VM is in that state already.
    public func setState(of id: MachineID, to state: RequestedState, skipWaitBoot: Bool) async throws { fatalError() }

    /// Grows the disk and the guest's filesystem. `.invalidArgument` unless larger than now.
    public func resizeDisk(of id: MachineID, toMiB sizeMiB: Int, skipWaitBoot: Bool) async throws { fatalError() }

    public func upsertLabels(_ labels: [String: String], of id: MachineID) async throws { fatalError() }

    /// - Returns: every VM that was deleted, the children first.
    /// - Throws: `.hasChildren`, naming them, unless `recursive`.
    public func delete(_ id: MachineID, recursive: Bool, skipWaitBoot: Bool) async throws -> [MachineID] {
        fatalError()
    }

    public func sshKey(of id: MachineID) async throws -> SSHKeyResponse { fatalError() }

    /// Bytes of the serial console from `offset` on, at most `limit`.
    public func console(of id: MachineID, offset: UInt64, limit: Int) async throws -> ConsoleChunk { fatalError() }

    /// The agent of a running VM. Waits while the VM boots, unless `skipWaitBoot`.
    /// - Throws: `.conflict` with what to do when the VM is paused, sleeping, stopped or dead.
    public func guest(of id: MachineID, skipWaitBoot: Bool) async throws -> any GuestSession { fatalError() }

    /// The VM or commit that `text` names.
    /// - Throws: `.notFound`.
    public func branchSource(named id: String) async throws -> BranchSource { fatalError() }
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
