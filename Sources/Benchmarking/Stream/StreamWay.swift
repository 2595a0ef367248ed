import NIOCore
import NIOPosix
import NIOSSL
import VersAPI
import VersCore

/// How a connection gets into a guest.
enum StreamWay: String, CaseIterable {
    /// As the world comes in: TLS, the front door, the daemon, the agent.
    case door = "stream"
    /// The agent's channel alone, which is a part of the former.
    case dialled = "stream.agent"
    case forwarded = "baseline.stream"

    var title: String {
        switch self {
        case .door: "connections through the front door"
        case .dialled: "connections through the agent alone"
        case .forwarded: "connections by QEMU's port forwarding"
        }
    }
}

/// The same service in equal guests, and the ways there: a VM of Vers behind the front door, and one of stock QEMU.
struct StreamTarget: Sendable {
    let door: DoorAddress
    let session: any GuestSession
    let guestPort: UInt16
    let hostPort: UInt16

    func connect(by way: StreamWay) async throws -> any GuestStream {
        switch way {
        case .door: return try await SocketStream.connect(to: door.host, door.port, tls: door)
        case .dialled: return try await session.dial(GuestEndpoint(port: guestPort))
        case .forwarded: return try await SocketStream.connect(to: "127.0.0.1", Int(hostPort))
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

/// Where the front door shows a port of a VM, and whose certificate it is to have.
struct DoorAddress: Sendable {
    let host: String
    let port: Int
    let serverName: String
    let context: NIOSSLContext

    /// - Throws: `.unavailable` when the door does not listen.
    init(_ door: FrontDoorResponse, machine: MachineID, guestPort: UInt16) throws {
        guard let port = door.port, let authority = door.ca_certificate else {
            throw VersError(.unavailable, "the front door does not listen: \(door.problem ?? "it is switched off")")
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(authority.utf8)))
        host = door.address
        self.port = Int(port)
        serverName = door.hostName(of: machine, port: guestPort)
        context = try NIOSSLContext(configuration: configuration)
    }
}

/// A TCP connection of the host, with or without TLS, and as little around it as can be.
private final class SocketStream: GuestStream {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    private let reader: ChannelReader

    private init(_ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>) {
        self.channel = channel
        reader = ChannelReader(channel)
    }

    static func connect(to host: String, _ port: Int, tls door: DoorAddress? = nil) async throws -> SocketStream {
        SocketStream(
            try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .channelOption(.socketOption(.tcp_nodelay), value: 1)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        if let door {
                            let tls = try NIOSSLClientHandler(context: door.context, serverHostname: door.serverName)
                            try channel.pipeline.syncOperations.addHandler(tls)
                        }
                        return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
                    }
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
