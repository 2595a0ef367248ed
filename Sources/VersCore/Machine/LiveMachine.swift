import Foundation
import Synchronization
import VersAPI

/// A VM with a process: the monitor's handle and the session with its agent.
final class LiveMachine: Sendable {
    private struct State {
        var session: (any GuestSession)?
        var isExitExpected = false
        /// When the guest's agent was another last.
        var agentChange = Date.distantPast

        /// The session, unless it is over.
        var current: (any GuestSession)? {
            session.flatMap { $0.isOpen && $0.begin >= agentChange ? $0 : nil }
        }
    }

    typealias Introduction = @Sendable (any GuestSession) async throws -> Void

    private let halts: AsyncStream<Never>
    private let haltNotifier: AsyncStream<Never>.Continuation

    let id: MachineID
    let machine: any VirtualMachine
    private let connector: any GuestConnector
    private let isRunning: @Sendable () async -> Bool
    private let introduce: Introduction
    private let connecting = AsyncLock()
    private let state = Mutex(State())

    /// - Parameters:
    ///   - isRunning: whether the guest is meant to run at this moment.
    ///   - introduce: is given the session with an agent that has no identity, before anybody else is.
    init(
        id: MachineID,
        machine: any VirtualMachine,
        connector: any GuestConnector,
        isRunning: @escaping @Sendable () async -> Bool,
        introduce: @escaping Introduction
    ) {
        self.id = id
        self.machine = machine
        self.connector = connector
        self.isRunning = isRunning
        self.introduce = introduce
        (halts, haltNotifier) = AsyncStream.makeStream()
    }

    /// The open session, or a new one.
    func session(deadline: ContinuousClock.Instant) async throws -> any GuestSession {
        try await connecting.withLock {
            if let session = state.withLock({ $0.current }) { return session }
            await discardSession()
            let session = try await connector.connect(to: machine.guestChannel, of: id, deadline: deadline)
            if !session.hasIdentity {
                do {
                    try await introduce(session)
                } catch {
                    await session.close()
                    throw error
                }
            }
            use(session)
            return session
        }
    }

    /// Takes a session, also one that was opened before the machine was one.
    func use(_ session: any GuestSession) {
        session.countSilence(onlyWhile: isRunning)
        state.withLock { $0.session = session }
    }

    /// The guest's agent has ended or begun: a session with an earlier one is over.
    func agentChanged(at time: Date) async {
        let isOver = state.withLock { state in
            state.agentChange = max(state.agentChange, time)
            return state.current == nil
        }
        if isOver { await discardSession() }
    }

    /// Ends the session, with whatever is on its way, so that the next call connects anew.
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
