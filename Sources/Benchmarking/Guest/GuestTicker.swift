import VersAPI
import VersClient

/// Listens to a guest that ticks, from outside.
///
/// A guest's own clocks stand still while it is paused, so no program inside can see a pause. This sees it, together
/// with everything else that keeps the guest from being heard: page faults after the freeze, the child and the frozen
/// copy competing for processors, and the way through agent, `versd` and HTTP.
enum GuestTicker {
    /// Runs `body` while the guest ticks.
    static func with<Value: Sendable>(
        _ machine: MachineID,
        of client: VersClient,
        every interval: Duration,
        _ body: (TickRecorder) async throws -> Value
    ) async throws -> Value {
        let recorder = TickRecorder()
        let stream = try await client.stream(ExecRequest(command: GuestProgram.tick(every: interval)), in: machine)
        let listener = Task {
            for try await event in stream {
                if case .chunk = event { recorder.record() }
            }
        }
        do {
            let value = try await body(recorder)
            try await client.signal(15, to: stream.execID, in: machine)
            try await listener.value
            return value
        } catch {
            listener.cancel()
            throw error
        }
    }
}
