import NIOCore
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

    fileprivate func connectionOpened() {
        http.withLock {
            $0.connections_total += 1
            $0.connections_active += 1
        }
    }

    fileprivate func connectionClosed() { http.withLock { $0.connections_active -= 1 } }
}

/// Counts one connection for as long as it is in the pipeline.
final class ConnectionCountingHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let counters: ServerCounters

    init(_ counters: ServerCounters) { self.counters = counters }

    func handlerAdded(context: ChannelHandlerContext) { counters.connectionOpened() }

    func handlerRemoved(context: ChannelHandlerContext) { counters.connectionClosed() }
}
