import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import VersAPI

@testable import VersClient

@Suite struct TunnelGreetingTests {
    private let channel: EmbeddedChannel
    private let greeting: TunnelGreeting
    private let outcome = Outcome()

    /// What became of the greeting.
    private final class Outcome: Sendable {
        let result = Mutex<Result<Void, any Error>?>(nil)
        var isOpen: Bool {
            result.withLock { if case .success = $0 { true } else { false } }
        }
        var error: VersError? {
            result.withLock { if case .failure(let error) = $0 { error as? VersError } else { nil } }
        }
    }

    init() throws {
        let loop = EmbeddedEventLoop()
        greeting = TunnelGreeting(
            request: TunnelRequest(key: "k", host: "db", port: 5432),
            timeout: .seconds(180),
            on: loop
        )
        channel = EmbeddedChannel(handler: greeting, loop: loop)
        greeting.answer.whenComplete { [outcome] result in outcome.result.withLock { $0 = result } }
        try channel.connect(to: try SocketAddress(unixDomainSocketPath: "/door")).wait()
    }

    private func receive(_ text: String) throws {
        try channel.writeInbound(ByteBuffer(string: text))
        channel.embeddedEventLoop.run()
    }

    @Test func `it says where to go, and opens the way when the door says so`() throws {
        let line = try #require(try channel.readOutbound(as: ByteBuffer.self))
        #expect(String(buffer: line) == "{\"host\":\"db\",\"key\":\"k\",\"port\":5432}\n")
        try receive("{\"ok\"")
        #expect(!outcome.isOpen)
        try receive(":true}\n")
        #expect(outcome.isOpen && channel.isActive)
        _ = try channel.finish()
    }

    @Test func `bytes behind the door's line wait for whoever comes next`() throws {
        try receive("{\"ok\":true}\nSSH-2.0-")
        try receive("server\r\n")
        #expect(try channel.readInbound(as: ByteBuffer.self) == nil)
        try channel.pipeline.syncOperations.removeHandler(greeting).wait()
        let bytes = try #require(try channel.readInbound(as: ByteBuffer.self))
        #expect(String(buffer: bytes) == "SSH-2.0-server\r\n")
        _ = try channel.finish()
    }

    @Test func `what the door says when it refuses is the error`() throws {
        try receive(#"{"ok":false,"code":"conflict","error":"vm is paused","hint":"resume it"}"# + "\n")
        let error = try #require(outcome.error)
        #expect(error.code == .conflict && error.message == "vm is paused" && error.hint == "resume it")
        #expect(!channel.isActive)
    }

    @Test func `a refusal of a kind that is not known yet is a refusal`() throws {
        try receive("{\"ok\":false}\n")
        #expect(outcome.error?.code == .unavailable && !channel.isActive)
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n", "[]\n", String(repeating: "x", count: 20_000)])
    func `whoever says something else is not the door`(text: String) throws {
        try receive(text)
        #expect(outcome.error?.code == .incompatible && !channel.isActive)
    }

    @Test func `a door that closes has not opened`() throws {
        _ = try channel.finish()
        #expect(outcome.error?.code == .unreachable)
    }

    @Test func `silence ends at the deadline`() throws {
        channel.embeddedEventLoop.advanceTime(by: .seconds(179))
        #expect(outcome.error == nil)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(outcome.error?.code == .timedOut && !channel.isActive)
    }
}
