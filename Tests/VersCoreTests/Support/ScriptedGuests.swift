import Synchronization
import SystemPackage
import VersAPI

@testable import VersCore

/// Agents that answer at once, or fail where a test wants them to.
final class ScriptedGuests: GuestConnector {
    private struct State {
        var identities: [GuestIdentity] = []
        var failingIdentities: Set<Int> = []
        var powerOffs = 0
        var workloads = 0
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

    fileprivate func apply(_ identity: GuestIdentity) throws {
        let fails = state.withLock { state in
            state.identities.append(identity)
            return state.failingIdentities.contains(state.identities.count)
        }
        if fails { throw VersError(.timedOut, "scripted: the agent did not answer") }
    }

    fileprivate func startedWorkload() { state.withLock { $0.workloads += 1 } }

    fileprivate func powerOff(_ id: MachineID?) {
        state.withLock { $0.powerOffs += 1 }
        if let id { hypervisor.machine(id)?.report(.guestPoweredOff) }
    }

    func connect(to channel: FilePath, deadline: ContinuousClock.Instant) async throws -> any GuestSession {
        let directory = channel.removingLastComponent().lastComponent?.string
        return ScriptedSession(guests: self, machine: directory.flatMap(MachineID.init))
    }
}

private struct ScriptedSession: GuestSession {
    let guests: ScriptedGuests
    let machine: MachineID?
    private var unsupported: VersError { VersError(.unsupported, "scripted agents run nothing") }

    func applyIdentity(_ identity: GuestIdentity) async throws { try guests.apply(identity) }
    func startWorkload() async throws { guests.startedWorkload() }
    func waitUntilSettled(deadline: ContinuousClock.Instant) async throws {}
    func execute(_ request: ExecRequest) async throws -> any GuestExec { throw unsupported }
    func attach(_ request: AttachRequest) async throws -> any GuestExec { throw unsupported }
    func sendInput(_ bytes: [UInt8], to exec: ExecID, endOfInput: Bool) async throws { throw unsupported }
    func resizeTerminal(of exec: ExecID, to size: TerminalSize) async throws { throw unsupported }
    func signal(_ number: Int32, to exec: ExecID) async throws { throw unsupported }
    func logs(offset: UInt64, maximumEntries: Int, stream: OutputStream?) async throws -> LogPage { throw unsupported }
    func readFile(_ path: String, limitInBytes: Int) async throws -> [UInt8] { throw unsupported }
    func writeFile(_ path: String, bytes: [UInt8], mode: UInt32, createDirectories: Bool) async throws {
        throw unsupported
    }
    func dial(_ endpoint: GuestEndpoint) async throws -> any GuestStream { throw unsupported }
    func growRootFilesystem() async throws -> Int { 64 }
    func powerOff() async throws { guests.powerOff(machine) }
    func waitUntilClosed() async {}
    func close() async {}
}
