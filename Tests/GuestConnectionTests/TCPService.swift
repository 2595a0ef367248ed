import NIOCore
import NIOPosix

/// A server of this machine, for as long as a test needs it.
struct TCPService {
    typealias Connection = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    let port: UInt16

    /// Runs `body` while every connection is given to `serve`, and ends with `body`.
    static func with<Value: Sendable>(
        host: String = "127.0.0.1",
        serve: @escaping @Sendable (Connection) async throws -> Void,
        body: @Sendable (TCPService) async throws -> Value
    ) async throws -> Value {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 4096)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .bind(host: host, port: 0) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Connection(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        let port = UInt16(server.channel.localAddress?.port ?? 0)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await server.executeThenClose { connections in
                    await withDiscardingTaskGroup { group in
                        do {
                            for try await connection in connections {
                                group.addTask { try? await serve(connection) }
                            }
                        } catch {}
                        group.cancelAll()
                    }
                }
            }
            defer { group.cancelAll() }
            return try await body(TCPService(port: port))
        }
    }

    /// Returns what it gets, and ends when the client does.
    static let echo: @Sendable (Connection) async throws -> Void = { connection in
        try await connection.executeThenClose { inbound, outbound in
            for try await bytes in inbound { try await outbound.write(bytes) }
            outbound.finish()
        }
    }

    /// Takes everything, and says how much it was when the client has ended.
    static let count: @Sendable (Connection) async throws -> Void = { connection in
        try await connection.executeThenClose { inbound, outbound in
            var count = 0
            for try await bytes in inbound { count += bytes.readableBytes }
            try await outbound.write(ByteBuffer(string: "\(count)"))
            outbound.finish()
        }
    }

    /// Holds the connection and reads nothing.
    static let hold: @Sendable (Connection) async throws -> Void = { connection in
        try await connection.executeThenClose { _, _ in try await Task.sleep(for: .seconds(3600)) }
    }

    /// Sends `count` bytes and ends.
    static func send(_ count: Int) -> @Sendable (Connection) async throws -> Void {
        { connection in
            try await connection.executeThenClose { _, outbound in
                var position = 0
                while position < count {
                    let size = min(100_000, count - position)
                    try await outbound.write(ByteBuffer(bytes: (0..<size).map { pattern(position + $0) }))
                    position += size
                }
                outbound.finish()
            }
        }
    }

    static func pattern(_ position: Int) -> UInt8 { UInt8(truncatingIfNeeded: position &* 31 &+ position >> 8) }
}
