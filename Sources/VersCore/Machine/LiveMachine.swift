import Synchronization
import VersAPI

/// A VM with a process: the monitor's handle and the session with its agent.
final class LiveMachine: Sendable {
    private struct State {
        var session: (any GuestSession)?
        var isExitExpected = false
    }

    private let halts: AsyncStream<Never>
    private let haltNotifier: AsyncStream<Never>.Continuation

    let id: MachineID
    let machine: any VirtualMachine
    private let connector: any GuestConnector
    private let connecting = AsyncLock()
    private let state = Mutex(State())

    init(id: MachineID, machine: any VirtualMachine, connector: any GuestConnector) {
        self.id = id
        self.machine = machine
        self.connector = connector
        (halts, haltNotifier) = AsyncStream.makeStream()
    }

    /// The open session, or a new one.
    func session(deadline: ContinuousClock.Instant) async throws -> any GuestSession {
        try await connecting.withLock {
            if let session = state.withLock({ $0.session }) { return session }
            let session = try await connector.connect(to: machine.guestChannel, deadline: deadline)
            state.withLock { $0.session = session }
            return session
        }
    }

    /// Takes a session that was opened before the machine was one.
    func use(_ session: any GuestSession) { state.withLock { $0.session = session } }

    /// Forgets a session that proved dead, so that the next call connects anew.
    func discardSession() async {
        let session = state.withLock { state in
            defer { state.session = nil }
            return state.session
        }
        await session?.close()
    }

    /// Whether the end of the process was asked for by us and is no news.
    var isExitExpected: Bool { state.withLock { $0.isExitExpected } }

    func expectExit() { state.withLock { $0.isExitExpected = true } }

    func noteHalt() { haltNotifier.finish() }

    /// Returns when the guest has halted or the process has ended. To be awaited once.
    func waitUntilHalted() async { for await _ in halts {} }

    /// Ends the process. Idempotent.
    func terminate() async {
        expectExit()
        await discardSession()
        await machine.terminate()
    }

    /// Lets go of the process without ending it.
    func detach() async {
        expectExit()
        await discardSession()
        await machine.detach()
    }
}
