import Synchronization
import VersAPI

/// What the front door has had to do since the daemon started.
final class DoorCounters: Sendable {
    enum Kind {
        case ssh
        case http
        /// HTTP whose first request asks for it.
        case webSocket
        case tunnel
        case other
    }

    private let counters = Mutex(FrontDoorCounters())

    var snapshot: FrontDoorCounters { counters.withLock { $0 } }

    func opened(_ kind: Kind) -> CountedConnection {
        counters.withLock {
            $0[keyPath: Self.path(kind)].connections_total += 1
            $0[keyPath: Self.path(kind)].connections_active += 1
        }
        return CountedConnection(kind, in: self)
    }

    fileprivate func closed(_ kind: Kind) {
        counters.withLock { $0[keyPath: Self.path(kind)].connections_active -= 1 }
    }

    /// A connection proves to be of another kind.
    fileprivate func changed(_ kind: Kind, to other: Kind) {
        counters.withLock {
            $0[keyPath: Self.path(kind)].connections_total -= 1
            $0[keyPath: Self.path(kind)].connections_active -= 1
            $0[keyPath: Self.path(other)].connections_total += 1
            $0[keyPath: Self.path(other)].connections_active += 1
        }
    }

    /// The guest did not take a connection.
    func failed(_ kind: Kind, _ code: ErrorCode) {
        counters.withLock { $0[keyPath: Self.path(kind)].errors[code.rawValue, default: 0] += 1 }
    }

    /// A connection ended before it was known what it wanted.
    func refused() { counters.withLock { $0.refused_total += 1 } }

    private static func path(_ kind: Kind) -> WritableKeyPath<FrontDoorCounters, DoorConnectionCounters> {
        switch kind {
        case .ssh: \.ssh
        case .http: \.http
        case .webSocket: \.websocket
        case .tunnel: \.tunnel
        case .other: \.other
        }
    }
}

/// A connection that is counted until it is let go of.
final class CountedConnection: Sendable {
    private let counters: DoorCounters
    private let kind: Mutex<DoorCounters.Kind>

    fileprivate init(_ kind: DoorCounters.Kind, in counters: DoorCounters) {
        self.kind = Mutex(kind)
        self.counters = counters
    }

    deinit { counters.closed(kind.withLock { $0 }) }

    /// Looks at what the client says first, which is passed on as it is.
    func note(firstBytes bytes: some Collection<UInt8>) {
        guard FirstBytes(bytes.prefix(DoorConnection.firstBytesLimit)) == .http,
            let head = RequestHead(Array(bytes.prefix(RequestHead.maximumLength))), head.asksForWebSocket
        else { return }
        kind.withLock { kind in
            guard kind == .http || kind == .other else { return }
            counters.changed(kind, to: .webSocket)
            kind = .webSocket
        }
    }
}
