import Synchronization
import SystemPackage
import VersAPI

import struct Foundation.Date

@testable import VersCore

/// Agents that answer at once, or fail where a test wants them to.
final class ScriptedGuests: GuestConnector {
    private struct State {
        var identities: [GuestIdentity] = []
        var failingIdentities: Set<Int> = []
        var powerOffs = 0
        var workloads = 0
        var withoutIdentity: Set<MachineID> = []
    }

    private let state = Mutex(State())
    private let hypervisor: ScriptedHypervisor

    init(hypervisor: ScriptedHypervisor) { self.hypervisor = hypervisor }

    /// Every identity that was applied, in order.
    var identities: [GuestIdentity] { state.withLock { $0.identities } }
    var powerOffs: Int { state.withLock { $0.powerOffs } }
    /// How often an image's command was started.
    var workloads: Int { state.withLock { $0.workloads } }

    /// Lets the `number`-th identity from now on fail; the first is 1.
    func failIdentity(number: Int) {
        state.withLock { state in _ = state.failingIdentities.insert(state.identities.count + number) }
    }

    /// Ends a VM's agent, as a crash would; it is started again.
    func endAgent(of id: MachineID) {
        state.withLock { _ = $0.withoutIdentity.insert(id) }
        hypervisor.machine(id)?.report(.agentPortChanged(at: Date()))
    }

    fileprivate func hasIdentity(_ id: MachineID) -> Bool { state.withLock { !$0.withoutIdentity.contains(id) } }

    fileprivate func apply(_ identity: GuestIdentity) throws {
        let fails = state.withLock { state in
            state.identities.append(identity)
            state.withoutIdentity.remove(identity.machineID)
            return state.failingIdentities.contains(state.identities.count)
        }
        if fails { throw VersError(.timedOut, "scripted: the agent did not answer") }
    }

    fileprivate func startedWorkload() { state.withLock { $0.workloads += 1 } }

    fileprivate func powerOff(_ id: MachineID) {
        state.withLock { $0.powerOffs += 1 }
        hypervisor.machine(id)?.report(.guestPoweredOff)
    }

    func connect(
        to channel: FilePath,
        of machine: MachineID,
        deadline: ContinuousClock.Instant
    ) async throws -> any GuestSession {
        ScriptedSession(guests: self, machine: machine)
    }
}

private final class ScriptedSession: GuestSession {
    private let guests: ScriptedGuests
    private let machine: MachineID
    private let closed = Mutex(false)
    let begin = Date()
    private var unsupported: VersError { VersError(.unsupported, "scripted agents run nothing") }
    var isOpen: Bool { closed.withLock { !$0 } }
    var hasIdentity: Bool { guests.hasIdentity(machine) }

    init(guests: ScriptedGuests, machine: MachineID) {
        self.guests = guests
        self.machine = machine
    }

    func countSilence(onlyWhile isRunning: @escaping @Sendable () async -> Bool) {}
    func applyIdentity(_ identity: GuestIdentity) async throws { try guests.apply(identity) }
    func startWorkload() async throws { guests.startedWorkload() }
    func waitUntilSettled(deadline: ContinuousClock.Instant) async throws {}
    func execute(_ request: ExecRequest) async throws -> any GuestExec {
        guard request.command == ["true"] else { throw unsupported }
        return ScriptedTrue()
    }
    func attach(_ request: AttachRequest) async throws -> any GuestExec { throw unsupported }
    func sendInput(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) async throws { throw unsupported }
    func resizeTerminal(of exec: ExecID, to size: TerminalSize) async throws { throw unsupported }
    func signal(_ number: Int32, to exec: ExecID) async throws { throw unsupported }
    func logs(offset: UInt64, maximumEntries: Int, stream: OutputStream?) async throws -> LogPage { throw unsupported }
    func readFile(_ path: String, limitInBytes: Int) async throws -> [UInt8] { throw unsupported }
    func writeFile(_ path: String, bytes: [UInt8], mode: UInt32, createDirectories: Bool) async throws {
        throw unsupported
    }
    func dial(_ endpoint: GuestEndpoint) async throws -> any GuestStream { EchoStream() }
    func growRootFilesystem() async throws -> Int { 64 }
    func powerOff() async throws { guests.powerOff(machine) }
    func waitUntilClosed() async {}
    func close() async { closed.withLock { $0 = true } }
}

/// A command that has succeeded.
private struct ScriptedTrue: GuestExec {
    let id = ExecID()
    func next() async throws -> ExecEvent? { nil }
    func detach() async {}
}

/// Gives back what it is given.
final class EchoStream: GuestStream {
    private let pieces: AsyncStream<[UInt8]>
    private let input: AsyncStream<[UInt8]>.Continuation

    init() { (pieces, input) = AsyncStream.makeStream() }

    func read() async throws -> [UInt8]? {
        var iterator = pieces.makeAsyncIterator()
        return await iterator.next()
    }

    func write(_ bytes: [UInt8]) async throws { input.yield(bytes) }
    func endWriting() async throws { input.finish() }
    func close() async { input.finish() }
}
