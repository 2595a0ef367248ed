import GuestProtocol
import Synchronization
import VersAPI
import VersCore

/// How long an agent may be silent while something is asked of it. An agent answers within milliseconds; a guest that shares
/// an emulated processor with dozens of others within a second or two.
struct AgentPatience: Sendable {
    /// Before it is asked for a sign of life.
    var silence: Duration = .seconds(4)
    /// Until that sign has come.
    var answer: Duration = .seconds(8)
}

extension AgentSession {
    /// Runs `operation` until `deadline`, and no longer than the agent shows signs of life.
    /// - Throws: ``VersError`` `.timedOut` that says what took too long, or that the agent does not answer.
    func attended<Value: Sendable>(
        _ deadline: ContinuousClock.Instant,
        _ what: String,
        operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withDeadline(deadline, what) { try await self.attended(operation: operation) }
    }

    /// Runs `operation` for as long as it takes, but no longer than the agent shows signs of life.
    /// - Throws: ``VersError`` `.timedOut` that says that the agent does not answer.
    func attended<Value: Sendable>(operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await self.waitForSilence()
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let value = first else {
                throw VersError.silentAgent(of: self.machine, for: self.patience.silence + self.patience.answer)
            }
            return value
        }
    }

    func countSilence(onlyWhile isRunning: @escaping @Sendable () async -> Bool) {
        guestState.withLock { $0.isRunning = isRunning }
    }

    /// Returns when the agent does not answer any more, though its guest runs.
    private func waitForSilence() async throws {
        let isGuestRunning = guestState.withLock { $0.isRunning }
        var heard = ContinuousClock.now
        while true {
            try await Task.sleep(until: heard + patience.silence, clock: .continuous)
            heard = max(heard, core.lastFrame)
            guard heard + patience.silence <= .now else { continue }
            if await isGuestRunning(), await isSilent(), await isGuestRunning() { return }
            try Task.checkCancellation()
            heard = .now
        }
    }

    /// Whether the agent does not answer in time when it is asked for a sign of life.
    private func isSilent() async -> Bool {
        let asked = ContinuousClock.now
        do {
            _ = try await call(.ping, "a sign of life", deadline: asked + patience.answer, isAttended: false)
            return false
        } catch let error as VersError where error.code == .timedOut {
            // Something else may have come of it.
            return core.lastFrame <= asked
        } catch {
            // A connection that is lost fails what waits for it by itself.
            return false
        }
    }
}

extension VersError {
    /// The agent of a VM has not answered for `duration`.
    static func silentAgent(of machine: MachineID, for duration: Duration) -> VersError {
        VersError(
            .timedOut,
            "the agent of vm \(machine) does not answer: nothing was heard of it for \(duration.formattedSeconds) s",
            hint: "see what its guest does: vers logs \(machine), or end it: vers stop \(machine)"
        )
    }
}
