import Foundation
import FrontDoor
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import SystemPackage
import Testing
import VersAPI

/// A real front door on a free port, over a double of the domain.
struct DoorFixture: Sendable {
    let domain: DomainDouble
    let door: FrontDoor
    let home: FilePath
    let description: FrontDoorResponse

    var port: Int { Int(description.port ?? 0) }
    var name: String { "\(domain.machine).vm.vers.localhost" }

    static func run(
        home: FilePath? = nil,
        _ configure: (inout FrontDoorConfiguration) -> Void = { _ in },
        _ operation: (DoorFixture) async throws -> Void
    ) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("door-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let home = home ?? FilePath(directory.path)
        var configuration = FrontDoorConfiguration()
        configuration.port = 0
        configuration.closingDeadline = .milliseconds(500)
        configure(&configuration)
        let domain = DomainDouble()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let door = FrontDoor(
            configuration: configuration,
            domain: domain,
            files: .init(
                authority: home.appending("ca"),
                port: home.appending("port"),
                secret: home.appending("secret")
            ),
            logger: logger
        )
        let group = ServiceGroup(configuration: .init(services: [.init(service: door)], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let fixture = DoorFixture(
                domain: domain,
                door: door,
                home: home,
                description: await door.description()
            )
            do {
                try await operation(fixture)
            } catch {
                await group.triggerGracefulShutdown()
                await domain.stop()
                throw error
            }
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            await domain.stop()
        }
    }

    /// A TLS client that trusts the instance's authority.
    func connect<Result: Sendable>(
        to name: String? = nil,
        port: Int? = nil,
        protocols: [String] = [],
        trusting roots: [NIOSSLCertificate]? = nil,
        _ body: @Sendable (TestClient) async throws -> Result
    ) async throws -> Result {
        var configuration = TLSConfiguration.makeClientConfiguration()
        let authority = try NIOSSLCertificate.fromPEMBytes(Array((description.ca_certificate ?? "").utf8))
        configuration.trustRoots = .certificates(roots ?? authority)
        configuration.applicationProtocols = protocols
        let context = try NIOSSLContext(configuration: configuration)
        let name = name ?? self.name
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.minutes(1))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port ?? self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = try NIOSSLClientHandler(context: context, serverHostname: name)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(
                            backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2),
                            isOutboundHalfClosureEnabled: true
                        )
                    )
                }
            }
        return try await TestClient.run(channel, body)
    }

    /// A TCP client.
    func connectPlainly<Result: Sendable>(
        port: Int? = nil,
        _ body: @Sendable (TestClient) async throws -> Result
    ) async throws -> Result {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(.minutes(1))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .connect(host: "127.0.0.1", port: port ?? self.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(isOutboundHalfClosureEnabled: true)
                    )
                }
            }
        return try await TestClient.run(channel, body)
    }
}

/// The client's end of a connection, while it is open.
final class TestClient: Sendable {
    private let outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    private let inbound: NIOAsyncChannelInboundStream<ByteBuffer>

    private init(
        _ inbound: NIOAsyncChannelInboundStream<ByteBuffer>,
        _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>
    ) {
        (self.inbound, self.outbound) = (inbound, outbound)
    }

    static func run<Result: Sendable>(
        _ channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>,
        _ body: @Sendable (TestClient) async throws -> Result
    ) async throws -> Result {
        try await channel.executeThenClose { try await body(TestClient($0, $1)) }
    }

    func send(_ text: String) async throws { try await outbound.write(ByteBuffer(string: text)) }
    func send(bytes: [UInt8]) async throws { try await outbound.write(ByteBuffer(bytes: bytes)) }
    /// Ends the direction to the server.
    func end() { outbound.finish() }

    /// Everything up to the end of the connection; or until it has `count` bytes. To be called once.
    func receive(atLeast count: Int = .max, whenBegun: () -> Void = {}) async throws -> [UInt8] {
        var result: [UInt8] = []
        for try await bytes in inbound {
            result += bytes.readableBytesView
            whenBegun()
            if result.count >= count { break }
        }
        return result
    }

    func text(atLeast count: Int = .max, whenBegun: () -> Void = {}) async throws -> String {
        String(decoding: try await receive(atLeast: count, whenBegun: whenBegun), as: UTF8.self)
    }
}
