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

    /// Removes what a process that has ended left in a machine's directory: its sockets, its guest's memory, and disks that
    /// were prepared or replaced by an operation which was cut off. Logs stay.
    /// - Parameter activeDisk: the disk in `directory` that stays.
    func removeLeftovers(in directory: FilePath, activeDisk: FilePath) async throws

    /// Starts a machine that boots from its disk. It is running when the call returns; its guest is not up yet.
    func boot(_ configuration: LaunchConfiguration) async throws -> any VirtualMachine

    /// Starts a process that waits for saved state, without a disk. It has not touched guest memory, and ends by itself
    /// when this daemon ends before it was given a state.
    func startWaiting(_ configuration: WaitingConfiguration) async throws -> any WaitingMachine

    /// Whether a waiting machine gains by a rehearsal.
    var canRehearse: Bool { get }

    /// The Unix socket of the agent of the machine whose directory that is. Whoever connects to that of a machine that
    /// waits spares its guest the news that the host was gone, and is heard as soon as it runs.
    func guestChannel(in directory: FilePath) -> FilePath

    /// Takes over a machine that an earlier daemon started, and removes what an operation which was cut off has left beside
    /// its active disk.
    /// - Returns: nil when that process no longer runs (the pid may belong to another by now).
    func adopt(_ process: ProcessIdentity, directory: FilePath) async throws -> (any VirtualMachine)?

    /// Ends every monitor process whose machine directory lies below `root` and whose pid is not in `keeping`:
    /// what a daemon that was killed had just started. Returns when they are gone.
    func terminateStrays(below root: FilePath, keeping: Set<Int32>) async
}

/// A process that waits for saved state.
public protocol WaitingMachine: Sendable {
    var process: ProcessIdentity { get }

    /// False once the process has ended.
    var isWaiting: Bool { get }

    /// Opens the machine's active disk, over a layer that nobody writes to any more. Once, before ``restore(_:)``. On
    /// failure the process has been ended.
    /// - Parameter disk: its directory is the one that the process was started in, under the name that it has by now.
    func openDisk(_ disk: FilePath) async throws

    /// Runs a machine from `state` for as long as `performance` takes, and waits again, without a disk. What emulation has
    /// translated of the guest's code is kept for a ``restore(_:)`` of memory whose first layers are these; of the guest
    /// nothing is. Once, before ``openDisk(_:)``. On failure the process has been ended.
    /// - Parameters:
    ///   - disk: its disk meanwhile, in the directory that the process was started in; the caller removes it.
    ///   - performance: is given the agent's Unix socket; must have let go of it when it returns.
    func rehearse(
        _ state: SavedState,
        disk: FilePath,
        performance: @Sendable (FilePath) async throws -> Void
    ) async throws

    /// Whether ``rehearse(_:disk:performance:)`` has returned: whoever connects to the agent before the machine is restored
    /// is not heard then.
    var hasRehearsed: Bool { get }

    /// Maps memory that ``restore(_:)`` will be asked for, beside ``openDisk(_:)`` for example, so that it takes less time. On
    /// failure the process has been ended.
    /// - Parameter moreFollow: whether these are the first of the layers only, and all of them come in another call. The last
    ///   call says false, and is the only one that does.
    func mapMemory(_ layers: [FilePath], moreFollow: Bool) async throws

    /// Maps memory, unless that was done, and loads device state. The machine is paused when the call returns. On failure the
    /// process has been ended.
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

    /// Whether every memory layer of it must be of everything: it cannot tell what changed.
    var savesMemoryWhole: Bool { get }

    /// The mark that the next memory layer can start from: the last kept freeze. Nil since the process started,
    /// or when it was lost.
    func memoryMark() async throws -> CommitID?

    /// Whether ``MemoryDelta/sinceFirstLayer`` can be had. A process that an earlier release started may not know it.
    func mergesMemoryLayers() async throws -> Bool

    /// Prepares a freeze outside the pause: the next disk overlay is created and opened.
    func prepareFreeze(_ request: FreezeRequest) async throws -> any PreparedFreeze

    /// Frees memory of the host that the next freeze will need, so that it need not be freed then. To be called at leisure, when
    /// the last is on disk.
    func makeRoom() async

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
