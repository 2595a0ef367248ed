import NIOCore
import Synchronization
import VersAPI

/// Bounds what waits to be written to one guest, of all its channels together. Whoever has to wait gets its turn in the
/// order of asking, so that no stream keeps another from the guest.
final class SendGate: Sendable {
    private struct State {
        var occupied = 0
        var isClosed = false
        var lastWaiter: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        /// Numbers in the order of asking; those that have given up are not among the waiters any more.
        var order = CircularBuffer<UInt64>()

        /// Lets in whoever is next while there is room.
        mutating func admit(below limit: Int) -> [CheckedContinuation<Void, any Error>] {
            var admitted: [CheckedContinuation<Void, any Error>] = []
            while occupied < limit, let number = order.popFirst() {
                guard let waiter = waiters.removeValue(forKey: number) else { continue }
                occupied += waiter.count
                admitted.append(waiter.continuation)
            }
            return admitted
        }
    }

    private struct Waiter {
        let count: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: bytes; the last to be let in may exceed it.
    init(limit: Int) { self.limit = limit }

    /// What is inside now.
    var occupied: Int { state.withLock { $0.occupied } }
    /// How many wait.
    var waitingCount: Int { state.withLock { $0.waiters.count } }

    /// Waits for room for `count` bytes and takes it until ``leave(_:)``.
    /// - Throws: `.unavailable` when the gate is closed.
    func enter(_ count: Int) async throws {
        let number = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if state.isClosed { return .failure(VersError.connectionLost()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.occupied < limit, state.waiters.isEmpty {
                        state.occupied += count
                        return .success(())
                    }
                    state.waiters[number] = Waiter(count: count, continuation: continuation)
                    state.order.append(number)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: number) }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    /// The bytes are written, or never will be.
    func leave(_ count: Int) {
        let admitted = state.withLock { state in
            state.occupied -= count
            return state.admit(below: limit)
        }
        for continuation in admitted { continuation.resume() }
    }

    /// Fails everybody who waits or comes.
    func close() {
        let waiters = state.withLock { state in
            defer {
                state.isClosed = true
                state.waiters.removeAll()
                state.order.removeAll()
            }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.continuation.resume(throwing: VersError.connectionLost()) }
    }
}
