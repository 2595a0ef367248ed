import VersAPI

/// Which VMs have a process, and who may change which VM now.
actor MachineRegistry {
    private var live: [MachineID: LiveMachine] = [:]
    private var locks: [MachineID: AsyncLock] = [:]
    private var commitsInProgress: [CommitID: Int] = [:]
    private var interruptible: [MachineID: Task<Void, Never>] = [:]

    func machine(_ id: MachineID) -> LiveMachine? { live[id] }

    func all() -> [LiveMachine] { Array(live.values) }

    func register(_ machine: LiveMachine) { live[machine.id] = machine }

    /// Removes `machine` unless another process took its place.
    func unregister(_ machine: LiveMachine) {
        if live[machine.id] === machine { live[machine.id] = nil }
    }

    func forget(_ id: MachineID) {
        live[id] = nil
        locks[id] = nil
    }

    /// Runs `body` while no other operation changes the VM. Low-priority work on it is cancelled first.
    nonisolated func exclusively<Value: Sendable>(
        _ id: MachineID,
        _ body: () async throws -> Value
    ) async throws -> Value {
        await interrupt(id)
        return try await lock(id).withLock(body)
    }

    /// Like ``exclusively(_:_:)``, for work that gives way: `task` is cancelled when somebody else wants the VM.
    func setInterruptible(_ task: Task<Void, Never>?, of id: MachineID) { interruptible[id] = task }

    private func interrupt(_ id: MachineID) { interruptible[id]?.cancel() }

    func lock(_ id: MachineID) -> AsyncLock {
        if let lock = locks[id] { return lock }
        let lock = AsyncLock()
        locks[id] = lock
        return lock
    }

    /// An operation makes the commit or starts VMs from it: neither it nor its layers may go. Counted, so that
    /// several operations may use one commit.
    func beginUse(of id: CommitID) { commitsInProgress[id, default: 0] += 1 }

    /// Like ``beginUse(of:)``, for whoever makes the commit under an id that the caller chose.
    /// - Returns: false when the id is in use.
    func claim(_ id: CommitID) -> Bool {
        guard commitsInProgress[id] == nil else { return false }
        commitsInProgress[id] = 1
        return true
    }

    func endUse(of id: CommitID) {
        guard let count = commitsInProgress[id] else { return }
        commitsInProgress[id] = count > 1 ? count - 1 : nil
    }

    func commitsInUse() -> Set<CommitID> { Set(commitsInProgress.keys) }
}
