import Synchronization
import VersAPI
import VersCore

/// Private networks that exist in memory only.
final class ScriptedNetworks: GuestNetworking {
    private struct State {
        var attached: [MachineID: NetworkAttachment] = [:]
        var isAvailable = true
        var failingUpdates = 0
        var failingAttachments = 0
    }

    private let state = Mutex(State())
    let addresses = IPv4Network(address: IPv4Address(number: 0x0A00_0000), prefixLength: 28)

    var attached: [MachineID: NetworkAttachment] { state.withLock { $0.attached } }

    func setAvailable(_ isAvailable: Bool) { state.withLock { $0.isAvailable = isAvailable } }

    func failUpdate() { state.withLock { $0.failingUpdates += 1 } }

    /// The attachment after `number - 1` more fails.
    func failAttachment(number: Int = 1) { state.withLock { $0.failingAttachments = number } }

    func requireAvailable() async throws {
        guard state.withLock({ $0.isAvailable }) else { throw VersError(.unsupported, "no private networks") }
    }

    func attach(_ attachment: NetworkAttachment) async throws -> GuestTap {
        try state.withLock { state in
            if state.failingAttachments > 0 {
                state.failingAttachments -= 1
                if state.failingAttachments == 0 { throw VersError(.internal, "no place") }
            }
            state.attached[attachment.machineID] = attachment
        }
        return GuestTap(descriptor: -1) { _ in }
    }

    func update(_ attachment: NetworkAttachment) async throws {
        try state.withLock { state in
            if state.failingUpdates > 0 {
                state.failingUpdates -= 1
                throw VersError(.internal, "no rules")
            }
            if state.attached[attachment.machineID] != nil { state.attached[attachment.machineID] = attachment }
        }
    }

    func detach(_ id: MachineID) async { state.withLock { $0.attached[id] = nil } }

    func recover(_ running: [NetworkAttachment]) async {
        state.withLock { $0.attached = Dictionary(uniqueKeysWithValues: running.map { ($0.machineID, $0) }) }
    }
}
