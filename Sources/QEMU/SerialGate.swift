internal import Synchronization
internal import VersAPI

/// Lets one task at a time through a section with several suspensions, in the order of arrival.
///
/// A `Mutex` cannot be held across a suspension, and an actor lets others in at each.
final class SerialGate: Sendable {
    private struct State {
        var held = false
        var nextID: UInt64 = 0
        var waiters: [(id: UInt64, continuation: CheckedContinuation<Bool, Never>)] = []
    }

    private let state = Mutex(State())
    private let name: String

    /// - Parameter name: what holds others up, for the error: `an earlier freeze`.
    init(name: String) { self.name = name }

    /// - Throws: ``VersError`` `.timedOut`, or `CancellationError`.
    func enter(timeout: Duration) async throws {
        let entered = await withTaskGroup(of: Bool.self) { group in
            group.addTask { await self.wait() }
            group.addTask {
                // Cancelled when the gate opened first.
                try? await Task.sleep(for: timeout)
                return false
            }
            var entered = await group.next() ?? false
            group.cancelAll()
            // The gate may have opened while the timer fired.
            if await group.next() == true { entered = true }
            return entered
        }
        if entered { return }
        try Task.checkCancellation()
        throw VersError(.timedOut, "\(name) did not end within \(timeout)")
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard !state.waiters.isEmpty else {
                state.held = false
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        next?.resume(returning: true)
    }

    func with<Value: Sendable>(
        timeout: Duration,
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await enter(timeout: timeout)
        defer { leave() }
        return try await body()
    }

    private func wait() async -> Bool {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let immediate = state.withLock { state -> Bool? in
                    if Task.isCancelled { return false }
                    if !state.held {
                        state.held = true
                        return true
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let immediate { continuation.resume(returning: immediate) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Bool, Never>? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index).continuation
            }
            waiter?.resume(returning: false)
        }
    }
}
