import Synchronization
import VersAPI

/// Which VMs have connections, and when those that a connection has woken are to rest again.
final class TrafficLedger: Sendable {
    private struct State {
        var connections: [MachineID: Int] = [:]
        var deadlines: [MachineID: ContinuousClock.Instant] = [:]
        /// VMs that are being put to rest; connections wait for that to end.
        var resting: Set<MachineID> = []
    }

    private let idleTime: Duration
    private let state = Mutex(State())
    private let changes: AsyncStream<Void>
    private let notifier: AsyncStream<Void>.Continuation

    init(idleTime: Duration) {
        self.idleTime = idleTime
        (changes, notifier) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Counts a connection until the returned value is let go of.
    func use(_ id: MachineID) -> TrafficUse {
        let isResting = state.withLock { state in
            state.connections[id, default: 0] += 1
            state.deadlines[id] = nil
            return state.resting.contains(id)
        }
        return TrafficUse(ledger: self, id: id, mustWait: isResting)
    }

    fileprivate func end(_ id: MachineID) {
        let isLast = state.withLock { state in
            guard let count = state.connections[id] else { return false }
            state.connections[id] = count > 1 ? count - 1 : nil
            guard count == 1 else { return false }
            // Whether a connection has woken it is looked up when the time comes.
            state.deadlines[id] = .now + idleTime
            return true
        }
        if isLast { notifier.yield() }
    }

    /// Has the VM looked at when it was idle for its time from now on.
    func watch(_ id: MachineID) {
        state.withLock { state in
            if state.connections[id] == nil { state.deadlines[id] = .now + idleTime }
        }
        notifier.yield()
    }

    /// Waits for the end of the next VM's idle time.
    /// - Returns: the VMs whose time is up, and which are to be given back with ``endRest(_:)``; nil when the task is
    ///   cancelled.
    func nextToRest() async -> [MachineID]? {
        while !Task.isCancelled {
            guard let next = state.withLock({ $0.deadlines.values.min() }) else {
                for await _ in changes { break }
                continue
            }
            // Every time that is set meanwhile ends later, since all are equally long.
            try? await Task.sleep(until: next, clock: .continuous)
            let due = takeDue()
            if !due.isEmpty { return due }
        }
        return nil
    }

    private func takeDue() -> [MachineID] {
        state.withLock { state in
            let now = ContinuousClock.now
            let due = state.deadlines.filter { $0.value <= now }.map(\.key)
            for id in due {
                state.deadlines[id] = nil
                state.resting.insert(id)
            }
            return due
        }
    }

    func isUnused(_ id: MachineID) -> Bool { state.withLock { $0.connections[id] == nil } }

    func endRest(_ id: MachineID) { state.withLock { _ = $0.resting.remove(id) } }
}

/// A connection to a VM, as long as it exists.
final class TrafficUse: Sendable {
    let id: MachineID
    /// The VM is being put to rest at this moment.
    let mustWait: Bool
    private let ledger: TrafficLedger

    init(ledger: TrafficLedger, id: MachineID, mustWait: Bool) {
        self.ledger = ledger
        self.id = id
        self.mustWait = mustWait
    }

    deinit { ledger.end(id) }
}

/// A stream whose VM stays awake.
final class CountedStream: GuestStream {
    private let stream: any GuestStream
    private let use: Mutex<TrafficUse?>

    init(_ stream: any GuestStream, _ use: TrafficUse) {
        self.stream = stream
        self.use = Mutex(use)
    }

    func read() async throws -> [UInt8]? { try await stream.read() }
    func write(_ bytes: [UInt8]) async throws { try await stream.write(bytes) }
    func endWriting() async throws { try await stream.endWriting() }

    func close() async {
        await stream.close()
        use.withLock { $0 = nil }
    }
}
