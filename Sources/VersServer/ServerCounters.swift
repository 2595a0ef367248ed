import Synchronization
import VersAPI

/// What `GET /health` reports.
final class ServerCounters: Sendable {
    private let http = Mutex(HTTPCounters())

    var snapshot: HTTPCounters { http.withLock { $0 } }

    func requestStarted() {
        http.withLock {
            $0.requests_total += 1
            $0.requests_active += 1
        }
    }

    func requestEnded() { http.withLock { $0.requests_active -= 1 } }

    func connectionOpened() {
        http.withLock {
            $0.connections_total += 1
            $0.connections_active += 1
        }
    }

    func connectionClosed() { http.withLock { $0.connections_active -= 1 } }
}
