public import Foundation
public import SystemPackage
public import VersAPI

/// Everything a monitor process that boots is started with.
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
    /// The host's end of its network card. Nil: the monitor's user-mode network.
    public var tap: GuestTap?

    public init(
        machineID: MachineID,
        directory: FilePath,
        memoryMiB: Int,
        vcpuCount: Int,
        kernel: FilePath,
        initramfs: FilePath,
        kernelArguments: [String],
        activeDisk: FilePath,
        tap: GuestTap? = nil
    ) {
        self.machineID = machineID
        self.directory = directory
        self.memoryMiB = memoryMiB
        self.vcpuCount = vcpuCount
        self.kernel = kernel
        self.initramfs = initramfs
        self.kernelArguments = kernelArguments
        self.activeDisk = activeDisk
        self.tap = tap
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

/// What a process that waits for saved state is started with. It knows of no disk and no image yet.
public struct WaitingConfiguration: Sendable {
    public var machineID: MachineID
    /// Holds sockets and logs; exists already.
    public var directory: FilePath
    public var memoryMiB: Int
    public var vcpuCount: Int
    /// As in ``LaunchConfiguration``.
    public var tap: GuestTap?

    public init(
        machineID: MachineID,
        directory: FilePath,
        memoryMiB: Int,
        vcpuCount: Int,
        tap: GuestTap? = nil
    ) {
        self.machineID = machineID
        self.directory = directory
        self.memoryMiB = memoryMiB
        self.vcpuCount = vcpuCount
        self.tap = tap
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
    /// The guest's agent has let go of its port, or taken it, at that time: whoever was heard over it before is gone. Of
    /// several changes within a second only the last may be told.
    case agentPortChanged(at: Date)
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
    /// Everything that differs from the first of the layers that this process was restored from: the new layer takes the
    /// place of all others.
    case sinceFirstLayer
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
    /// Whether the disk may stay as it is when nothing was written to it since it became active.
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
    /// What was written of the memory layer before the pause. Nil when all of it is written afterwards.
    public var ahead: MemoryAheadReport?

    public init(
        pause: Duration,
        steps: [FreezeStep],
        diskSwitched: Bool,
        activeDisk: FilePath,
        ahead: MemoryAheadReport? = nil
    ) {
        self.pause = pause
        self.steps = steps
        self.diskSwitched = diskSwitched
        self.activeDisk = activeDisk
        self.ahead = ahead
    }
}

/// How a memory layer was written while the machine ran on.
public struct MemoryAheadReport: Sendable, Hashable {
    /// Pages that were written again count again.
    public var bytes: UInt64
    /// How often it was looked for changed pages, with the first time.
    public var passes: Int
    public var duration: Duration

    public init(bytes: UInt64, passes: Int, duration: Duration) {
        self.bytes = bytes
        self.passes = passes
        self.duration = duration
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
