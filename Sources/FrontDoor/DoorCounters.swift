import Synchronization
import VersAPI

/// What the front door has had to do since the daemon started.
final class DoorCounters: Sendable {
    enum Kind {
        case ssh
        case http
        case tunnel
        case other
    }

    private let counters = Mutex(FrontDoorCounters())

    var snapshot: FrontDoorCounters { counters.withLock { $0 } }

    func opened(_ kind: Kind) {
        counters.withLock {
            $0[keyPath: Self.path(kind)].connections_total += 1
            $0[keyPath: Self.path(kind)].connections_active += 1
        }
    }

    func closed(_ kind: Kind) { counters.withLock { $0[keyPath: Self.path(kind)].connections_active -= 1 } }

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
        case .tunnel: \.tunnel
        case .other: \.other
        }
    }
}
