import SystemPackage
import VersAPI

/// What a process that waits for saved state must be started with.
struct MachineShape: Hashable, Sendable {
    var memoryMiB: Int
    var vcpuCount: Int

    /// A process of that shape.
    func configuration(of id: MachineID, in directory: FilePath, tap: GuestTap?) -> WaitingConfiguration {
        WaitingConfiguration(
            machineID: id,
            directory: directory,
            memoryMiB: memoryMiB,
            vcpuCount: vcpuCount,
            tap: tap
        )
    }
}

/// What a process that waits is to become.
struct StandbyRole: Hashable, Sendable {
    var shape: MachineShape
    /// The booted state that the VM's memory will begin with. One that has rehearsed it needs less time; nil: unknown.
    var bootCommit: CommitID?
    /// Whether the VM will have a place in a private network. Which one shows when it is used.
    var isBridged = false
}

/// A process that waits for saved state, and the id of the VM that it will be.
struct Standby: Sendable {
    let id: MachineID
    let waiting: any WaitingMachine
    /// The name of its disk in the VM's directory, once it has both.
    var disk: String?
    /// The place in a private network that was chosen for it.
    var network: MachineNetwork?
    /// Gives it that place. Whoever ends the process waits for it.
    var joining: Task<Void, any Error>?
}

extension Commit {
    /// What waits for a VM that is to start from this commit, or from one that is taken from such a VM.
    func standbyRole(isBridged: Bool) -> StandbyRole {
        StandbyRole(shape: hardware.shape, bootCommit: memoryLayers.first, isBridged: isBridged)
    }
}

extension Machine {
    /// What waits for the next child of this VM.
    var standbyRole: StandbyRole {
        let layers = markedMemoryLayers.isEmpty ? startMemoryLayers : markedMemoryLayers
        return StandbyRole(shape: hardware.shape, bootCommit: layers.first, isBridged: network != nil)
    }
}

extension Hardware {
    var shape: MachineShape { MachineShape(memoryMiB: memoryMiB, vcpuCount: vcpuCount) }
}
