public import SystemPackage
public import VersAPI

/// What the domain asks of a virtual machine monitor. One implementation (QEMU) exists; nothing outside its
/// module knows QMP, qcow2 or how guest memory is layered.
///
/// Every call has its own deadline and throws ``VersError`` with `.timedOut` when it passes. A call that
/// throws has undone what it started.
public protocol Hypervisor: Sendable {
    /// How guests are executed on this host, and why.
    var accelerator: AcceleratorChoice { get }

    /// What saved memory and device state must match to be loaded here.
    var compatibility: HypervisorCompatibility { get }

    /// Creates the writable disk of a machine and makes it its active disk.
    /// - Parameters:
    ///   - directory: the machine's directory, which exists.
    ///   - base: the read-only disk underneath, never changed by this machine.
    ///   - sizeMiB: the size the guest sees; at least the size of `base`.
    /// - Returns: the file, inside `directory`.
    func createDisk(in directory: FilePath, over base: FilePath, sizeMiB: Int) async throws -> FilePath

    /// Size in MiB that a guest sees of `disk`, rounded up.
    func diskSizeMiB(of disk: FilePath) async throws -> Int

    /// Grows the disk of a machine without a process.
    func growInactiveDisk(_ disk: FilePath, toMiB sizeMiB: Int) async throws

    /// The file in a machine's directory that takes the guest's writes, found without a record of it: the newest
    /// overlay whose header and backing file are whole. Nil when there is none.
    func newestDisk(in directory: FilePath) async throws -> FilePath?

    /// The files underneath `disk`, the nearest first, read from the headers.
    func backingChain(of disk: FilePath) async throws -> [FilePath]

    /// Starts a machine that boots from its disk. It is running when the call returns; its guest is not up yet.
    func boot(_ configuration: LaunchConfiguration) async throws -> any VirtualMachine

    /// Starts a process that waits for saved state and has not touched guest memory. The active disk's backing
    /// file may still be written by another machine until ``WaitingMachine/restore(_:)`` is called.
    func startWaiting(_ configuration: LaunchConfiguration) async throws -> any WaitingMachine

    /// Takes over a machine that an earlier daemon started.
    /// - Returns: nil when that process no longer runs (the pid may belong to another by now).
    func adopt(_ process: ProcessIdentity, directory: FilePath) async throws -> (any VirtualMachine)?

    /// Ends every monitor process whose machine directory lies below `root` and whose pid is not in `keeping`:
    /// what a daemon that was killed had just started. Returns when they are gone.
    func terminateStrays(below root: FilePath, keeping: Set<Int32>) async
}

/// A process that waits for saved state.
public protocol WaitingMachine: Sendable {
    var process: ProcessIdentity { get }

    /// Maps memory, loads device state and activates the disk. The machine is paused when the call returns.
    /// On failure the process has been ended.
    func restore(_ state: SavedState) async throws -> any VirtualMachine

    /// Ends the process. Idempotent.
    func abandon() async
}

/// A machine with a live process. All methods may be called from any task; the implementation serialises them.
public protocol VirtualMachine: Sendable {
    var process: ProcessIdentity { get }

    /// The Unix socket on which the guest's agent is reached. One connection at a time.
    var guestChannel: FilePath { get }

    /// What happens to the machine, from now on. Ends after `.exited`. May be called once.
    func events() -> AsyncStream<VirtualMachineEvent>

    func executionState() async throws -> ExecutionState

    /// Stops the vCPUs; memory stays. Does nothing when already paused.
    func pause() async throws

    /// Lets the vCPUs run. Does nothing when they do.
    func resume() async throws

    /// The mark that the next memory layer can start from: the last kept freeze. Nil since the process started,
    /// or when it was lost.
    func memoryMark() async throws -> CommitID?

    /// Prepares a freeze outside the pause: the next disk overlay is created and opened.
    func prepareFreeze(_ request: FreezeRequest) async throws -> any PreparedFreeze

    /// The file that the guest's writes go to.
    func activeDisk() async throws -> FilePath

    /// Grows the disk the guest sees. The guest's filesystem is the agent's business.
    func growDisk(toMiB sizeMiB: Int) async throws

    /// Copies everything between `base` and the active disk into the active disk, while the guest runs, so that
    /// `base` becomes its backing file. Cancellable; a cancelled or failed run leaves the chain as it was.
    func flattenDisk(downTo base: FilePath) async throws

    /// Presses the power button. The guest may ignore it.
    func requestPowerOff() async throws

    /// Ends the process: asks, then kills. Returns when it is gone. Idempotent.
    func terminate() async

    /// Lets go of the process without ending it: sockets are closed, the machine runs on.
    func detach() async
}

/// A freeze whose expensive parts are prepared. Exactly one of ``execute(leavePaused:)`` and ``abandon()`` follows.
public protocol PreparedFreeze: Sendable {
    /// The pause: stops the vCPUs, saves device state, freezes memory, switches the disk, and runs on unless
    /// `leavePaused` or the machine was paused before. On failure the machine is as it was before the call.
    func execute(leavePaused: Bool) async throws -> any FrozenState

    func abandon() async
}

/// A frozen state whose memory is still being copied by the frozen process.
public protocol FrozenState: Sendable {
    var report: FreezeReport { get }

    /// Waits until the memory layer is complete (in the page cache; durable only after an fsync).
    func memoryLayer() async throws -> MemoryLayerReport

    /// Makes this freeze the mark that the next layer can start from. Call it once the commit is recorded.
    func keepMark() async throws

    /// Gives up the copy; the earlier mark stays valid. The disk stays switched. Idempotent.
    func abandon() async
}

/// How guests are executed.
public struct AcceleratorChoice: Sendable, Hashable {
    /// `kvm` or `tcg`.
    public var name: String
    /// Why, in words for a person.
    public var reason: String

    public init(name: String, reason: String) {
        self.name = name
        self.reason = reason
    }
}

/// What must be equal between the host that saved a state and the one that loads it. Recorded in every manifest.
public struct HypervisorCompatibility: Sendable, Hashable, Codable {
    public var hypervisor: String
    public var version: String
    public var machineType: String
    public var accelerator: String
    public var cpuModel: String
    /// Changes whenever the set of virtual devices does.
    public var deviceSet: String

    public init(
        hypervisor: String,
        version: String,
        machineType: String,
        accelerator: String,
        cpuModel: String,
        deviceSet: String
    ) {
        self.hypervisor = hypervisor
        self.version = version
        self.machineType = machineType
        self.accelerator = accelerator
        self.cpuModel = cpuModel
        self.deviceSet = deviceSet
    }
}

/// Everything a monitor process is started with.
public struct LaunchConfiguration: Sendable {
    public var machineID: MachineID
    /// Holds sockets, logs and the active disk; exists already.
    public var directory: FilePath
    public var memoryMiB: Int
    public var vcpuCount: Int
    public var kernel: FilePath
    public var initramfs: FilePath
    /// Added to the hypervisor's own kernel arguments.
    public var kernelArguments: [String]
    public var activeDisk: FilePath

    public init(
        machineID: MachineID,
        directory: FilePath,
        memoryMiB: Int,
        vcpuCount: Int,
        kernel: FilePath,
        initramfs: FilePath,
        kernelArguments: [String],
        activeDisk: FilePath
    ) {
        self.machineID = machineID
        self.directory = directory
        self.memoryMiB = memoryMiB
        self.vcpuCount = vcpuCount
        self.kernel = kernel
        self.initramfs = initramfs
        self.kernelArguments = kernelArguments
        self.activeDisk = activeDisk
    }
}

/// A pid that cannot be mistaken for a later process of the same number.
public struct ProcessIdentity: Sendable, Hashable, Codable {
    public var pid: Int32
    /// Field 22 of `/proc/<pid>/stat`: clock ticks since boot.
    public var startTimeTicks: UInt64
    /// `/proc/sys/kernel/random/boot_id` of the host when it started, so that a reboot is noticed.
    public var hostBootID: String

    public init(pid: Int32, startTimeTicks: UInt64, hostBootID: String) {
        self.pid = pid
        self.startTimeTicks = startTimeTicks
        self.hostBootID = hostBootID
    }
}

public enum ExecutionState: Sendable, Equatable {
    case running
    case paused
    /// The guest has shut down or panicked; only `terminate` makes sense.
    case halted(reason: String)
}

public enum VirtualMachineEvent: Sendable, Equatable {
    /// The guest powered itself off.
    case guestPoweredOff
    /// The guest asked for a reboot; the process ends, the machine should be started from its disk again.
    case guestReset
    /// The guest's kernel panicked.
    case guestPanicked
    /// The host could not serve the disk (no space, for example); the vCPUs are stopped.
    case diskFailed(message: String)
    /// The process is gone, for whatever reason. The last event.
    case exited(status: String)
}

/// Where a memory layer starts.
public enum MemoryDelta: Sendable, Equatable {
    /// Only what changed since the kept freeze of that name.
    case since(mark: CommitID)
    /// Everything this process changed since it was started or restored.
    case sinceStart
    /// All of memory; the layer needs no other underneath.
    case everything
}

public struct FreezeRequest: Sendable {
    /// The commit's directory, which exists: the memory layer, device state and disk appear in it under the
    /// hypervisor's file names (``LayerFile``).
    public var directory: FilePath
    public var delta: MemoryDelta
    /// The name this freeze is kept under.
    public var mark: CommitID
    /// Whether the disk may stay as it is when nothing was written to it since it became active. False when a
    /// child was started against the commit's disk before the pause.
    public var reusesUnchangedDisk: Bool

    public init(directory: FilePath, delta: MemoryDelta, mark: CommitID, reusesUnchangedDisk: Bool) {
        self.directory = directory
        self.delta = delta
        self.mark = mark
        self.reusesUnchangedDisk = reusesUnchangedDisk
    }
}

/// The files that a freeze puts into a commit's directory.
public enum LayerFile: String, Sendable, CaseIterable {
    case memory = "memory.layer"
    case deviceState = "device.state"
    case disk = "disk.qcow2"
}

public struct FreezeReport: Sendable {
    /// From before the vCPUs stop until they run again (or would).
    public var pause: Duration
    /// The parts of `pause` in their order, for the log and the benchmark.
    public var steps: [FreezeStep]
    /// False when nothing was written since the last freeze, so that no new disk layer was made and the commit
    /// shares its parent's.
    public var diskSwitched: Bool
    /// The machine's active disk from now on.
    public var activeDisk: FilePath

    public init(pause: Duration, steps: [FreezeStep], diskSwitched: Bool, activeDisk: FilePath) {
        self.pause = pause
        self.steps = steps
        self.diskSwitched = diskSwitched
        self.activeDisk = activeDisk
    }
}

public struct FreezeStep: Sendable, Hashable {
    public var name: String
    public var duration: Duration

    public init(name: String, duration: Duration) {
        self.name = name
        self.duration = duration
    }
}

public struct MemoryLayerReport: Sendable {
    public var bytes: UInt64
    public var extents: Int
    public var duration: Duration

    public init(bytes: UInt64, extents: Int, duration: Duration) {
        self.bytes = bytes
        self.extents = extents
        self.duration = duration
    }
}

/// What a waiting machine loads.
public struct SavedState: Sendable {
    /// The oldest first.
    public var memoryLayers: [FilePath]
    public var deviceState: FilePath

    public init(memoryLayers: [FilePath], deviceState: FilePath) {
        self.memoryLayers = memoryLayers
        self.deviceState = deviceState
    }
}
