public import VersAPI

/// The directories of VMs.
public protocol MachineFileStoring: Sendable {
    /// `.internal` when there is one.
    func create(_ id: MachineID) async throws

    /// Creates the directory of a process that waits to become the VM. `.internal` when there is one.
    func createStandby(_ id: MachineID) async throws

    /// Makes the directory of a process that waits that of the VM. `.internal` when it has one.
    func adoptStandby(_ id: MachineID) async throws

    /// Removes the directory of a process that waits. Does nothing when there is none.
    func removeStandby(_ id: MachineID) async throws

    /// Every directory of a process that waits.
    func standbys() async throws -> [MachineID]

    /// Removes the directory with everything in it. Does nothing when there is none.
    func remove(_ id: MachineID) async throws

    /// Flushes a disk, and the entries of the directories that lead to it. Returns when all of it is on stable storage. To be
    /// called before a record names the disk.
    func flushDisk(named name: String, of id: MachineID) async throws

    /// Removes the machine's own name of a disk that has become a commit's layer.
    func removeDisk(named name: String, of id: MachineID) async throws

    /// Every directory there is, whether a VM is recorded for it or not.
    func all() async throws -> [MachineID]

    /// Bytes of the serial console from `offset` on, at most `limit`. The hypervisor bounds the log and begins it anew
    /// when it is full: an offset behind its end reads from its start.
    func console(of id: MachineID, offset: UInt64, limit: Int) async throws -> ConsoleChunk

    /// The same, as it grows. A VM that has no directory yet is waited for.
    func followConsole(of id: MachineID, offset: UInt64) async throws -> any ConsoleFollowing
}

/// Reads a serial console as it grows, across the places where it is begun anew.
public protocol ConsoleFollowing: Sendable {
    /// The next bytes, at once when there are some, and else when they are written. Nil when the VM is no more.
    ///
    /// To be called by one task at a time. Cancellation ends the wait.
    func next() async throws -> ConsoleChunk?
}
