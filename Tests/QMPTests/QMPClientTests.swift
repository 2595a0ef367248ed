import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import QMP

@Suite("the monitor client", .timeLimit(.minutes(2)))
struct QMPClientTests {
    private struct Sleep: QMPCommand { static let name = "sleep" }
    private static let greeting =
        #"{"QMP":{"version":{"qemu":{"micro":22,"minor":2,"major":7},"package":""},"capabilities":[]}}"#

    /// A client of a server that speaks as scripted: `answer` gets a command's name and id and returns what to send.
    private func withClient(
        greeting: String = Self.greeting + "\r\n",
        events: @escaping @Sendable (QMPEvent) -> Void = { _ in },
        answer: @escaping @Sendable (String, Int) -> String?,
        _ body: (QMPClient) async throws -> Void
    ) async throws {
        let server = try await ScriptedServer.start(greeting: greeting, answer: answer)
        do {
            let client = try await QMPClient.connect(
                socket: server.connect(),
                deadline: .now.advanced(by: .seconds(20)),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                onEvent: events,
                onClose: {}
            )
            try await body(client)
            await client.close()
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }

    private static func accept(_ name: String, _ id: Int) -> String? {
        name == "query-status"
            ? #"{"return":{"status":"running","singlestep":false,"running":true},"id":\#(id)}"# + "\n"
            : #"{"return":{},"id":\#(id)}"# + "\n"
    }

    @Test("commands are answered with their types, many at once")
    func commands() async throws {
        try await withClient(answer: Self.accept) { client in
            #expect(client.version == QEMUVersion(major: 7, minor: 2, micro: 22))
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<200 { group.addTask { try await client.execute(QueryStatus()).running } }
                for try await running in group { #expect(running) }
            }
        }
    }

    @Test("events come before the answer that follows them, also when frames are split and joined")
    func events() async throws {
        let seen = Mutex<[String]>([])
        try await withClient(
            events: { event in seen.withLock { $0.append(event.name) } },
            answer: { name, id in
                let answer = Self.accept(name, id) ?? ""
                return name == "stop"
                    ? #"{"event":"A","data":{}}"# + "\r\n" + #"{"event":"STOP"}"# + "\n\n" + answer : answer
            },
            { client in
                try await client.execute(Stop())
                #expect(seen.withLock { $0 } == ["A", "STOP"])
            }
        )
    }

    @Test("a refused command, a wrong shape and a silent monitor are errors of their own")
    func failures() async throws {
        try await withClient(
            answer: { name, id in
                switch name {
                case "stop": #"{"error":{"class":"GenericError","desc":"not now"},"id":\#(id)}"# + "\n"
                case "query-status": #"{"return":[],"id":\#(id)}"# + "\n"
                case "sleep": nil
                default: Self.accept(name, id)
                }
            },
            { client in
                await #expect(throws: QMPError.refused(command: "stop", errorClass: "GenericError", message: "not now"))
                {
                    try await client.execute(Stop())
                }
                do {
                    _ = try await client.execute(QueryStatus())
                    Issue.record("an array was taken for a status")
                } catch let error as QMPError {
                    guard case .unexpectedAnswer = error else { throw error }
                }
                await #expect(throws: QMPError.timedOut(command: "sleep", after: .milliseconds(20))) {
                    try await client.execute(Sleep(), timeout: .milliseconds(20))
                }
                // The connection is as good as before.
                try await client.execute(Continue())
            }
        )
    }

    @Test("a cancelled command is over for its caller at once")
    func cancellation() async throws {
        let answer: @Sendable (String, Int) -> String? = { name, id in name == "sleep" ? nil : Self.accept(name, id) }
        try await withClient(answer: answer) { client in
            let task = Task { try await client.execute(Sleep(), timeout: .seconds(100)) }
            task.cancel()
            await #expect(throws: (any Error).self) { try await task.value }
            try await client.execute(Continue())
        }
    }

    @Test(
        "garbage and endless lines end the connection, and pending commands with it",
        arguments: [
            "not json\n", "\u{0}\u{1}\u{2}\n", "{}\n", String(repeating: "x", count: QMPClient.lineLimitInBytes + 2),
        ]
    )
    func garbage(text: String) async throws {
        let answer: @Sendable (String, Int) -> String? = { name, id in name == "stop" ? text : Self.accept(name, id) }
        try await withClient(answer: answer) { client in
            await #expect(throws: QMPError.disconnected(command: "stop")) { try await client.execute(Stop()) }
            await #expect(throws: QMPError.disconnected(command: "cont")) { try await client.execute(Continue()) }
        }
    }

    @Test("random bytes never get past the greeting")
    func randomGreetings() async throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<50 {
            let bytes = (0..<200).map { _ in UInt8.random(in: 1...127, using: &random) }
            let text = String(decoding: bytes, as: UTF8.self) + "\n"
            await #expect(throws: (any Error).self) {
                try await withClient(greeting: text, answer: Self.accept) { _ in }
            }
        }
    }
}

/// A monitor in this process, on a real socket, that says what it is told to.
private final class ScriptedServer: Sendable {
    private let channel: any Channel
    private let path: String

    private init(channel: any Channel, path: String) {
        self.channel = channel
        self.path = path
    }

    static func start(
        greeting: String,
        answer: @escaping @Sendable (String, Int) -> String?
    ) async throws -> ScriptedServer {
        let path = NSTemporaryDirectory() + "/vers-qmp-\(UInt64.random(in: .min ... .max))"
        let channel = try await ServerBootstrap(group: NIOSingletons.posixEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([
                        ByteToMessageHandler(LineDecoder(limitInBytes: 1 << 20)),
                        ScriptHandler(greeting: greeting, answer: answer),
                    ])
                }
            }
            .bind(unixDomainSocketPath: path)
            .get()
        return ScriptedServer(channel: channel, path: path)
    }

    /// A connected descriptor.
    func connect() throws -> Int32 {
        let fd = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(fd, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw QMPError.disconnected(command: "test") }
        return fd
    }

    func stop() async {
        try? await channel.close().get()
        unlink(path)
    }
}

private final class ScriptHandler: ChannelInboundHandler {
    typealias InboundIn = [UInt8]
    typealias OutboundOut = ByteBuffer

    private struct Command: Decodable {
        var execute: String
        var id: Int
    }

    private let greeting: String
    private let answer: @Sendable (String, Int) -> String?

    init(greeting: String, answer: @escaping @Sendable (String, Int) -> String?) {
        self.greeting = greeting
        self.answer = answer
    }

    func channelActive(context: ChannelHandlerContext) { send(greeting, context: context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard let command = try? JSONDecoder().decode(Command.self, from: Data(unwrapInboundIn(data))),
            let text = answer(command.execute, command.id)
        else { return }
        send(text, context: context)
    }

    /// In pieces, so that the client sees frames cut anywhere.
    private func send(_ text: String, context: ChannelHandlerContext) {
        let bytes = Array(text.utf8)
        let size = bytes.count > 10_000 ? 65_536 : 7
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = bytes[start..<min(start + size, bytes.count)]
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: piece)), promise: nil)
        }
    }
}
