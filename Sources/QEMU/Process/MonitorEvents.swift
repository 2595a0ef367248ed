internal import Foundation
internal import HostSystem
internal import QMP
internal import Synchronization
internal import VersCore

/// Distributes what a QEMU reports: to whoever waits for a certain event, and to the machine's owner.
final class MonitorEvents: Sendable {
    /// Nobody needs more of the past than the latest few; a guest can cause events as fast as it likes.
    private static let bufferLimit = 256

    private struct State {
        var subscribers: [UInt64: AsyncStream<QMPEvent>.Continuation] = [:]
        var nextSubscriber: UInt64 = 0
        var haltReason: String?
        var monitorClosed = false
        var exit: ProcessExit?
        var ended = false
    }

    /// For the machine's owner. Ends after `.exited`, or when the machine is detached.
    let stream: AsyncStream<VirtualMachineEvent>
    private let owner: AsyncStream<VirtualMachineEvent>.Continuation
    private let state = Mutex(State())

    init() {
        (stream, owner) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Self.bufferLimit))
    }

    /// Why the guest will not run on; nil while it may.
    var haltReason: String? { state.withLock { $0.haltReason } }

    /// Everything that happens from now on, until the monitor is gone.
    func subscribe() -> AsyncStream<QMPEvent> {
        let (stream, continuation) = AsyncStream<QMPEvent>.makeStream(
            bufferingPolicy: .bufferingNewest(Self.bufferLimit)
        )
        let id = state.withLock { state -> UInt64? in
            guard !state.monitorClosed else { return nil }
            state.nextSubscriber += 1
            state.subscribers[state.nextSubscriber] = continuation
            return state.nextSubscriber
        }
        guard let id else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.subscribers.removeValue(forKey: id) }
        }
        return stream
    }

    func receive(_ event: QMPEvent) {
        let subscribers = state.withLock { Array($0.subscribers.values) }
        for subscriber in subscribers { subscriber.yield(event) }
        guard let translated = Self.translate(event) else { return }
        switch translated {
        case .guestPanicked: state.withLock { $0.haltReason = "the guest's kernel panicked" }
        case .guestPoweredOff: state.withLock { $0.haltReason = "the guest powered off" }
        case .guestReset: state.withLock { $0.haltReason = "the guest asked for a reboot" }
        case .agentPortChanged, .diskFailed, .exited: break
        }
        owner.yield(translated)
    }

    func monitorClosed() {
        let subscribers = state.withLock { state in
            state.monitorClosed = true
            defer { state.subscribers = [:] }
            return Array(state.subscribers.values)
        }
        for subscriber in subscribers { subscriber.finish() }
        finishIfOver()
    }

    func processExited(_ exit: ProcessExit) {
        state.withLock { $0.exit = exit }
        finishIfOver()
    }

    /// The owner lets go of a machine that runs on.
    func detach() {
        state.withLock { $0.ended = true }
        owner.finish()
    }

    /// The end is told only after everything that the monitor said before it.
    private func finishIfOver() {
        let exit = state.withLock { state -> ProcessExit? in
            guard state.monitorClosed, !state.ended, let exit = state.exit else { return nil }
            state.ended = true
            return exit
        }
        guard let exit else { return }
        owner.yield(.exited(status: exit.description))
        owner.finish()
    }

    static func translate(_ event: QMPEvent) -> VirtualMachineEvent? {
        switch event.name {
        case "SHUTDOWN":
            switch event.data["reason"]?.string {
            case "guest-shutdown": .guestPoweredOff
            case "guest-reset": .guestReset
            case "guest-panic": .guestPanicked
            default: nil
            }
        case "GUEST_PANICKED": .guestPanicked
        case "VSERPORT_CHANGE" where event.data["id"]?.string == QEMUCommandLine.guestPortID:
            // Told at most once a second, with the time of the last change.
            event.timestamp.map { .agentPortChanged(at: $0.date) }
        case "BLOCK_IO_ERROR" where event.data["action"]?.string == "stop":
            .diskFailed(message: diskFailure(event.data))
        default: nil
        }
    }

    private static func diskFailure(_ data: JSONValue) -> String {
        if data["nospace"]?.bool == true { return "no space is left for the machine's disk" }
        return "disk \(data["operation"]?.string ?? "access") failed: \(data["reason"]?.string ?? "unknown reason")"
    }
}

extension QMPEvent.Timestamp {
    fileprivate var date: Date {
        Date(timeIntervalSince1970: Double(seconds) + Double(microseconds) / 1_000_000)
    }
}
