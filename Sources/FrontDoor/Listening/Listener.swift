import Glibc
import Logging
import NIOCore
import NIOPosix
import VersAPI

/// One port of the host.
struct Listener: Sendable {
    struct Arrival: Sendable {
        let channel: any Channel
        let gate: Gate
    }

    private static let backlog: Int32 = 1024
    /// A client that is gone without a word is noticed after two minutes.
    private static let keepAlive: (idle: Int, interval: Int, count: Int) = (60, 15, 4)
    /// How much may wait to be written to a client before the guest is not read any more.
    private static let writeBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 32 * 1024, high: 128 * 1024)

    let port: UInt16
    /// Nil on the main port.
    let guestPort: UInt16?
    private let channel: NIOAsyncChannel<Arrival, Never>

    /// - Parameter port: 0 picks a free one.
    /// - Throws: `.unavailable`.
    static func open(host: String, port: Int, guestPort: UInt16?, logger: Logger) async throws -> Listener {
        do {
            let channel = try await bootstrap(logger).bind(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ByteGate()
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return Arrival(channel: channel, gate: Gate(handler, on: channel.eventLoop))
                }
            }
            let bound = channel.channel.localAddress?.port ?? port
            return Listener(port: UInt16(bound), guestPort: guestPort, channel: channel)
        } catch {
            throw VersError(.unavailable, "cannot listen on \(host):\(port): \(reason(error))", cause: error)
        }
    }

    /// Hands every connection to `serve`, and returns when the task is cancelled and all have ended.
    func run(slots: ConnectionSlots, serve: @escaping @Sendable (Arrival) async -> Void) async throws {
        try await channel.executeThenClose { arrivals in
            try await withThrowingDiscardingTaskGroup { group in
                for try await arrival in arrivals {
                    await slots.take()
                    group.addTask {
                        await serve(arrival)
                        slots.giveBack()
                    }
                }
            }
        }
    }

    /// Stops without having run.
    func close() async { try? await channel.executeThenClose { _ in } }

    private static func bootstrap(_ logger: Logger) -> ServerBootstrap {
        ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.backlog, value: backlog)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(AcceptBackoff(logger: logger))
                }
            }
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.tcpOption(NIOBSDSocket.Option(rawValue: TCP_KEEPIDLE)), value: keepAlive.idle)
            .childChannelOption(.tcpOption(NIOBSDSocket.Option(rawValue: TCP_KEEPINTVL)), value: keepAlive.interval)
            .childChannelOption(.tcpOption(NIOBSDSocket.Option(rawValue: TCP_KEEPCNT)), value: keepAlive.count)
            .childChannelOption(.writeBufferWaterMark, value: writeBuffer)
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return "\(error)" }
        return String(cString: strerror(error.errnoCode))
    }
}
