/// The protocol's state: a value, fed with messages and commands, that says what to do. No input or output.
struct QMPSession: Sendable {
    enum Phase: Sendable, Hashable {
        case awaitingGreeting
        case negotiating(QEMUVersion)
        case ready(QEMUVersion)
        case closed
    }

    enum Action: Sendable, Hashable {
        /// Send `qmp_capabilities` with this id, and ask that commands be queued if that is possible.
        case negotiate(id: UInt64, queuesCommands: Bool)
        /// Commands may be sent.
        case becomeReady(QEMUVersion)
        /// The line that answers the command.
        case complete(id: UInt64, line: [UInt8])
        case fail(id: UInt64, QMPError)
        case deliver(QMPEvent)
        /// Close the connection; everything pending has been failed by earlier actions.
        case close(QMPError)
    }

    private(set) var phase = Phase.awaitingGreeting
    /// Commands without an answer yet, by id, with their names.
    private var inFlight: [UInt64: String] = [:]
    private var nextID: UInt64 = 1

    var isReady: Bool {
        if case .ready = phase { true } else { false }
    }

    /// Registers a command. Nil when none can be sent in this phase.
    mutating func submit(command: String) -> UInt64? {
        guard isReady else { return nil }
        return register(command)
    }

    /// Forgets a command whose caller no longer waits; its answer will be ignored.
    mutating func abandon(id: UInt64) { inFlight[id] = nil }

    mutating func receive(_ message: QMPMessage) -> [Action] {
        switch (phase, message) {
        case (.closed, _):
            return []
        case (.awaitingGreeting, .greeting(let version, let queuesCommands)):
            phase = .negotiating(version)
            return [.negotiate(id: register("qmp_capabilities"), queuesCommands: queuesCommands)]
        case (.negotiating(let version), .success(let id, _)) where inFlight.removeValue(forKey: id) != nil:
            phase = .ready(version)
            return [.becomeReady(version)]
        case (.negotiating, .event(let event)), (.ready, .event(let event)):
            return [.deliver(event)]
        case (.ready, .success(let id, let line)):
            return inFlight.removeValue(forKey: id) == nil ? [] : [.complete(id: id, line: line)]
        case (.ready, .failure(let id?, let errorClass, let text)):
            guard let command = inFlight.removeValue(forKey: id) else { return [] }
            return [.fail(id: id, .refused(command: command, errorClass: errorClass, message: text))]
        case (_, .failure(_, let errorClass, let text)):
            return close(.refused(command: "monitor", errorClass: errorClass, message: text))
        default:
            return close(.malformed("unexpected message while \(phase)"))
        }
    }

    /// The connection is lost or must be given up: every pending command fails.
    mutating func close(_ reason: QMPError) -> [Action] {
        guard phase != .closed else { return [] }
        phase = .closed
        let pending = inFlight.sorted { $0.key < $1.key }
        inFlight = [:]
        return pending.map { .fail(id: $0.key, .disconnected(command: $0.value)) } + [.close(reason)]
    }

    private mutating func register(_ command: String) -> UInt64 {
        defer { nextID += 1 }
        inFlight[nextID] = command
        return nextID
    }
}
