import NIOCore
import NIOPosix
import VersAPI
import VersCore

/// How a connection gets into a guest.
enum StreamWay: String, CaseIterable {
    case dialled = "stream"
    case forwarded = "baseline.stream"

    var title: String {
        switch self {
        case .dialled: "connections through the agent"
        case .forwarded: "connections by QEMU's port forwarding"
        }
    }
}

/// A guest that serves connections and can be reached both ways.
struct StreamTarget: Sendable {
    let session: any GuestSession
    let guestPort: UInt16
    let hostPort: UInt16

    func connect(by way: StreamWay) async throws -> any GuestStream {
        switch way {
        case .dialled: return try await session.dial(GuestEndpoint(port: guestPort))
        case .forwarded: return try await ForwardedStream.connect(to: hostPort)
        }
    }

    /// A port of the loopback that is free now.
    static func freePort() async throws -> UInt16 {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = server.localAddress?.port
        try await server.close().get()
        guard let port else { throw VersError(.internal, "a listening socket has no address") }
        return UInt16(port)
    }
}

/// A TCP connection of the host, with as little around it as can be.
private final class ForwardedStream: GuestStream {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private let reader: ChannelReader

    private init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        self.channel = channel
        reader = ChannelReader(channel)
    }

    static func connect(to port: UInt16) async throws -> ForwardedStream {
        ForwardedStream(
            try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .connect(host: "127.0.0.1", port: Int(port)) { channel in
                    channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
                }
        )
    }

    func read() async throws -> [UInt8]? { try await reader.next() }

    func write(_ bytes: [UInt8]) async throws {
        try await channel.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }

    func endWriting() async throws { try await channel.channel.close(mode: .output).get() }

    func close() async {
        try? await channel.channel.close().get()
        await reader.end()
    }
}

/// Follows a channel on a task of its own.
private final class ChannelReader: Sendable {
    private let bytes: AsyncThrowingStream<[UInt8], any Error>
    private let task: Task<Void, Never>
    private let turns: AsyncStream<Void>.Continuation

    init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        let (bytes, output) = AsyncThrowingStream<[UInt8], any Error>.makeStream()
        let (wanted, turns) = AsyncStream<Void>.makeStream()
        self.bytes = bytes
        self.turns = turns
        task = Task {
            do {
                try await channel.executeThenClose { inbound, _ in
                    var iterator = inbound.makeAsyncIterator()
                    // One piece for each that is asked for, so that a slow reader holds up the sender.
                    for await _ in wanted {
                        guard let piece = try await iterator.next() else { break }
                        output.yield(Array(buffer: piece))
                    }
                }
                output.finish()
            } catch {
                output.finish(throwing: error)
            }
        }
    }

    func next() async throws -> [UInt8]? {
        turns.yield()
        var iterator = bytes.makeAsyncIterator()
        return try await iterator.next()
    }

    func end() async {
        turns.finish()
        task.cancel()
        await task.value
    }
}
