import NIOCore
import NIOPosix
import NIOSSL
import Testing
import VersAPI
import VersClient

/// Connects to guests as the rest of the world does.
struct DoorClient: Sendable {
    let door: FrontDoorResponse
    private let roots: [NIOSSLCertificate]

    init(_ client: VersClient) async throws {
        door = try await client.frontDoor()
        roots = try NIOSSLCertificate.fromPEMBytes(Array(try #require(door.ca_certificate).utf8))
    }

    /// Says something to `name`, ends its direction unless told otherwise, and returns what comes until the end.
    /// - Parameter count: returns as soon as so many bytes are there.
    func ask(
        _ name: String,
        _ text: String,
        protocols: [String] = [],
        ends: Bool = true,
        until count: Int = .max
    ) async throws -> String {
        let channel = try await connect(to: name, protocols: protocols) { channel in
            try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true)
            )
        }
        return try await channel.executeThenClose { inbound, outbound in
            if !text.isEmpty { try await outbound.write(ByteBuffer(string: text)) }
            if ends { outbound.finish() }
            var answer = ""
            for try await bytes in inbound {
                answer += String(buffer: bytes)
                if answer.utf8.count >= count { break }
            }
            return answer
        }
    }

    /// A connection that stays open until it is closed by either side.
    func hold(_ name: String) async throws -> HeldConnection {
        try await connect(to: name, protocols: []) { channel in
            let cut = HeldConnection.Cut()
            let connection = HeldConnection(channel, NIOLoopBound(cut, eventLoop: channel.eventLoop))
            try channel.pipeline.syncOperations.addHandler(cut, position: .first)
            try channel.pipeline.syncOperations.addHandler(HeldConnection.Handler(connection))
            return connection
        }
    }

    private func connect<Output: Sendable>(
        to name: String,
        protocols: [String],
        _ wrap: @escaping @Sendable (any Channel) throws -> Output
    ) async throws -> Output {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(roots)
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.seconds(60))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: door.address, port: Int(try #require(door.port))) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: name)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return try wrap(channel)
                }
            }
    }

    /// A request as simple as it gets.
    func get(_ name: String, _ path: String = "/", headers: String = "") async throws -> String {
        let request = "GET \(path) HTTP/1.1\r\nHost: \(name)\r\nConnection: close\r\n\(headers)\r\n"
        return try await ask(name, request, protocols: ["h2", "http/1.1"], ends: false)
    }
}
