import Synchronization
import VersAPI
import VersCore

/// Private networks that exist in memory only.
final class ScriptedNetworks: GuestNetworking {
    private struct State {
        var prepared: Set<MachineID> = []
        var attached: [MachineID: NetworkAttachment] = [:]
        var isAvailable = true
        var failingUpdates = 0
        var failingAttachments = 0
    }

    private let state = Mutex(State())
    let addresses = IPv4Network(address: IPv4Address(number: 0x0A00_0000), prefixLength: 28)

    var attached: [MachineID: NetworkAttachment] { state.withLock { $0.attached } }

    /// Of VMs with a place, and of processes that wait.
    var prepared: Set<MachineID> { state.withLock { $0.prepared } }

    func setAvailable(_ isAvailable: Bool) { state.withLock { $0.isAvailable = isAvailable } }

    func failUpdate() { state.withLock { $0.failingUpdates += 1 } }

    /// The attachment after `number - 1` more fails.
    func failAttachment(number: Int = 1) { state.withLock { $0.failingAttachments = number } }

    func requireAvailable() async throws {
        guard state.withLock({ $0.isAvailable }) else { throw VersError(.unsupported, "no private networks") }
    }

    func prepare(_ id: MachineID) async throws -> GuestTap {
        state.withLock { _ = $0.prepared.insert(id) }
        return GuestTap(descriptor: -1) { _ in }
    }

    func join(_ attachment: NetworkAttachment) async throws {
        try state.withLock { state in
            guard state.prepared.contains(attachment.machineID) else { throw VersError(.cancelled, "detached") }
            if state.failingAttachments > 0 {
                state.failingAttachments -= 1
                if state.failingAttachments == 0 { throw VersError(.internal, "no place") }
            }
            state.attached[attachment.machineID] = attachment
        }
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

    func detach(_ id: MachineID) async {
        state.withLock { state in
            state.attached[id] = nil
            state.prepared.remove(id)
        }
    }

    func recover(_ running: [NetworkAttachment]) async {
        state.withLock { state in
            state.attached = Dictionary(uniqueKeysWithValues: running.map { ($0.machineID, $0) })
            state.prepared = Set(state.attached.keys)
        }
    }
}
