import Synchronization
import VersAPI

/// Which VMs have connections, and when those that a connection has woken are to rest again.
final class TrafficLedger: Sendable {
    private struct State {
        var connections: [MachineID: Int] = [:]
        var deadlines: [MachineID: ContinuousClock.Instant] = [:]
        /// VMs that are being put to rest; connections wait for that to end.
        var resting: Set<MachineID> = []
        /// Waits for the earliest deadline; is ended when there is another.
        var sleeper: Task<Void, Never>?

        mutating func set(_ deadline: ContinuousClock.Instant, of id: MachineID) {
            deadlines[id] = deadline
            sleeper?.cancel()
        }
    }

    /// Without any deadline.
    private static let longTime = Duration.seconds(86_400)

    private let idleTime: Duration
    private let state = Mutex(State())

    /// - Parameter idleTime: of VMs of which nothing else is said.
    init(idleTime: Duration) { self.idleTime = idleTime }

    /// Counts a connection until the returned value is let go of.
    func use(_ id: MachineID) -> TrafficUse {
        let isResting = state.withLock { state in
            state.connections[id, default: 0] += 1
            state.deadlines[id] = nil
            return state.resting.contains(id)
        }
        return TrafficUse(ledger: self, id: id, mustWait: isResting, idleTime: idleTime)
    }

    fileprivate func end(_ id: MachineID, idleTime: Duration) {
        state.withLock { state in
            guard let count = state.connections[id] else { return }
            state.connections[id] = count > 1 ? count - 1 : nil
            // Whether a connection has woken it is looked up when the time comes.
            if count == 1 { state.set(.now + idleTime, of: id) }
        }
    }

    /// Has the VM looked at when it was idle for its time from now on.
    func watch(_ id: MachineID, for idleTime: Duration) {
        state.withLock { state in
            if state.connections[id] == nil { state.set(.now + idleTime, of: id) }
        }
    }

    /// Waits for the end of the next VM's idle time.
    /// - Returns: the VMs whose time is up, and which are to be given back with ``endRest(_:)``; nil when the task is
    ///   cancelled.
    func nextToRest() async -> [MachineID]? {
        while !Task.isCancelled {
            let sleeper = state.withLock { state in
                let next = state.deadlines.values.min() ?? .now + Self.longTime
                // Cancelled when it is to look again.
                let sleeper = Task { _ = try? await Task.sleep(until: next, clock: .continuous) }
                state.sleeper = sleeper
                return sleeper
            }
            await withTaskCancellationHandler {
                await sleeper.value
            } onCancel: {
                sleeper.cancel()
            }
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

/// A connection to a VM, or something else that uses it, as long as it exists.
final class TrafficUse: Sendable {
    let id: MachineID
    /// The VM is being put to rest at this moment.
    let mustWait: Bool
    private let ledger: TrafficLedger
    private let idleTimeWhenLast: Mutex<Duration>

    /// How long the VM stays awake behind it, if it is the last.
    var idleTime: Duration {
        get { idleTimeWhenLast.withLock { $0 } }
        set { idleTimeWhenLast.withLock { $0 = newValue } }
    }

    init(ledger: TrafficLedger, id: MachineID, mustWait: Bool, idleTime: Duration) {
        self.ledger = ledger
        self.id = id
        self.mustWait = mustWait
        idleTimeWhenLast = Mutex(idleTime)
    }

    deinit { ledger.end(id, idleTime: idleTime) }
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

extension Domain {
    /// After how long without connections a VM rests again that a connection has woken.
    func idleTime(of machine: Machine) -> Duration {
        machine.traffic.idleTimeoutSeconds.map { .seconds($0) } ?? configuration.idleTime
    }
}
