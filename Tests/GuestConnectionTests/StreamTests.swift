import Glibc
import GuestProtocol
import Logging
import NIOCore
import Synchronization
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

@Suite struct StreamTests {
    @Test(arguments: [0, 1, 32_768, 5_000_001])
    func whatIsSentComesBack(count: Int) async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.echo) { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            async let received = stream.readToEnd()
            try await stream.write((0..<count).map(TCPService.pattern))
            try await stream.endWriting()
            try await stream.endWriting()
            let bytes = try await received
            #expect(bytes.count == count && bytes == (0..<count).map(TCPService.pattern))
            await #expect(throws: VersError.self) { try await stream.write([1]) }
            await stream.close()
            await stream.close()
        }
        await session.close()
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func whateverListensIsFound(address: String) async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(host: address, serve: TCPService.send(10)) { service in
            for host in [nil, address, "localhost"] {
                let stream = try await session.dial(GuestEndpoint(host: host, port: service.port))
                #expect(try await stream.readToEnd().count == 10, "\(host ?? "none")")
                await stream.close()
            }
        }
        await session.close()
    }

    @Test func whatCannotBeReachedSaysWhy() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let free = try await TCPService.with(serve: TCPService.hold) { $0.port }
        let cases: [(endpoint: GuestEndpoint, code: ErrorCode, text: String)] = [
            (GuestEndpoint(port: free), .unavailable, "nothing listens on port \(free) of the guest"),
            (GuestEndpoint(host: "127.0.0.1", port: free), .unavailable, "port \(free) of '127.0.0.1'"),
            (GuestEndpoint(port: 0), .invalidArgument, "port 0"),
            (GuestEndpoint(host: "", port: 1), .invalidArgument, "invalid host"),
            (GuestEndpoint(host: "a..b", port: 1), .invalidArgument, "a..b"),
            (GuestEndpoint(host: "a b\u{7}", port: 1), .invalidArgument, "a b?"),
            (GuestEndpoint(host: String(repeating: "a", count: 256), port: 1), .invalidArgument, "255"),
        ]
        for item in cases {
            let error = await #expect(throws: VersError.self) { _ = try await session.dial(item.endpoint) }
            #expect(
                error?.code == item.code && error?.message.contains(item.text) == true,
                "\(String(describing: error))"
            )
        }
        #expect(try await session.run("echo alive").text == "alive\n")
        await session.close()
    }

    @Test func anAgentThatKnowsNoStreamsIsToldFromAFailure() async throws {
        try await MuteGuest.run(refusing: Failure(.badRequest, "malformed request: unknown request 14")) { guest in
            let session = try await AgentConnector(logger: Logger(label: "test"))
                .connect(to: guest.socket, of: MachineID(), deadline: .now + .seconds(20))
            let error = await #expect(throws: VersError.self) { _ = try await session.dial(GuestEndpoint(port: 80)) }
            #expect(error?.code == .incompatible && error?.message.contains("older release") == true)
            #expect(error?.hint?.contains("vers stop") == true)
            await session.close()
        }
    }

    @Test func oneDirectionEndsBeforeTheOther() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.count) { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            try await stream.write([UInt8](repeating: 0, count: 1_000_000))
            try await stream.endWriting()
            #expect(try await stream.readToEnd() == Array("1000000".utf8))
            await stream.close()
        }
        // The guest ends first, and still takes what comes.
        let taken = Mutex(0)
        try await TCPService.with { connection in
            try await connection.executeThenClose { inbound, outbound in
                outbound.finish()
                for try await bytes in inbound { taken.withLock { $0 += bytes.readableBytes } }
                taken.withLock { $0 += 1 }
            }
        } body: { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            #expect(try await stream.read() == nil)
            try await stream.write([UInt8](repeating: 0, count: 500_000))
            try await stream.endWriting()
            await stream.close()
            try await eventually { taken.withLock { $0 == 500_001 } }
        }
        await session.close()
    }

    @Test func aResetIsTold() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with { connection in
            let options = try #require(connection.channel as? any SocketOptionProvider)
            try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            try await connection.executeThenClose { inbound, _ in
                for try await _ in inbound { try await connection.channel.close().get() }
            }
        } body: { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            try await stream.write([1])
            let error = await #expect(throws: VersError.self) { _ = try await stream.readToEnd() }
            #expect(error?.code == .unavailable)
            await #expect(throws: VersError.self) { try await stream.write([1]) }
            await stream.close()
        }
        await session.close()
    }

    @Test func aStreamThatIsClosedEarlyIsReset() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let outcome = Mutex("none")
        try await TCPService.with { connection in
            try await connection.executeThenClose { inbound, _ in
                do {
                    for try await _ in inbound {}
                    outcome.withLock { $0 = "end" }
                } catch {
                    outcome.withLock { $0 = "reset" }
                }
            }
        } body: { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            try await stream.write([1])
            await stream.close()
            try await eventually { outcome.withLock { $0 == "reset" } }
        }
        await session.close()
    }

    @Test func neitherSideTakesMoreThanItsWindow() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.hold) { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            let written = Mutex(0)
            let writer = Task {
                while true {
                    try await stream.write([UInt8](repeating: 0, count: 32_768))
                    written.withLock { $0 += 32_768 }
                }
            }
            var last = -1
            // The kernel's own buffers take several MiB.
            while last != written.withLock({ $0 }) {
                last = written.withLock { $0 }
                #expect(last < 64 << 20)
                try await Task.sleep(for: .milliseconds(300))
            }
            #expect(try await session.run("echo alive").text == "alive\n")
            writer.cancel()
            _ = await writer.result
            await stream.close()
        }
        await session.close()
    }

    @Test func aBulkStreamHoldsUpNobodyElse() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.send(1 << 30)) { bulk in
            let stream = try await session.dial(GuestEndpoint(port: bulk.port))
            let reader = Task { while try await stream.read() != nil {} }
            try await TCPService.with(serve: TCPService.echo) { service in
                let small = try await session.dial(GuestEndpoint(port: service.port))
                for number in 0..<50 {
                    try await small.write([UInt8(number)])
                    #expect(try await small.read() == [UInt8(number)])
                }
                #expect(try await session.run("echo quick").text == "quick\n")
                await small.close()
            }
            reader.cancel()
            _ = await reader.result
            await stream.close()
        }
        await session.close()
    }

    @Test func aHundredBulkStreamsArrive() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.send(250_000)) { service in
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let stream = try await session.dial(GuestEndpoint(port: service.port))
                        let count = try await stream.readToEnd().count
                        await stream.close()
                        return count
                    }
                }
                for try await count in group { #expect(count == 250_000) }
            }
        }
        try await TCPService.with(serve: TCPService.count) { service in
            try await withThrowingTaskGroup(of: [UInt8].self) { group in
                for _ in 0..<100 {
                    group.addTask {
                        let stream = try await session.dial(GuestEndpoint(port: service.port))
                        try await stream.write([UInt8](repeating: 0, count: 250_000))
                        try await stream.endWriting()
                        let answer = try await stream.readToEnd()
                        await stream.close()
                        return answer
                    }
                }
                for try await answer in group { #expect(answer == Array("250000".utf8)) }
            }
        }
        await session.close()
    }

    @Test func aThousandStreamsAreOpenAtOnceAndLeaveNothing() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.echo) { service in
            for _ in 0..<2 {
                try await withThrowingTaskGroup(of: (any GuestStream).self) { group in
                    for _ in 0..<1000 {
                        group.addTask {
                            let stream = try await session.dial(GuestEndpoint(port: service.port))
                            try await stream.write(Array("hello".utf8))
                            #expect(try await stream.read() == Array("hello".utf8))
                            return stream
                        }
                    }
                    var streams: [any GuestStream] = []
                    for try await stream in group { streams.append(stream) }
                    #expect(streams.count == 1000)
                    for stream in streams { await stream.close() }
                }
            }
        }
        await session.close()
    }

    @Test func theEndOfTheSessionEndsItsStreamsOnly() async throws {
        let fixture = try AgentFixture()
        try await TCPService.with(serve: TCPService.echo) { service in
            let first = try await fixture.connect()
            let stream = try await first.dial(GuestEndpoint(port: service.port))
            await first.close()
            let error = await #expect(throws: VersError.self) { _ = try await stream.read() }
            #expect(error?.code == .unavailable)
            let second = try await fixture.connect()
            let again = try await second.dial(GuestEndpoint(port: service.port))
            try await again.write([7])
            #expect(try await again.read() == [7])
            await again.close()
            await second.close()
        }
    }

    @Test func aReaderThatIsCancelledCanReadOn() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await TCPService.with(serve: TCPService.echo) { service in
            let stream = try await session.dial(GuestEndpoint(port: service.port))
            let reader = Task { try await stream.read() }
            reader.cancel()
            await #expect(throws: CancellationError.self) { _ = try await reader.value }
            try await stream.write([5])
            #expect(try await stream.read() == [5])
            await stream.close()
        }
        await session.close()
    }
}

extension GuestStream {
    func readToEnd() async throws -> [UInt8] {
        var all: [UInt8] = []
        while let bytes = try await read() { all += bytes }
        return all
    }
}

/// Returns when `condition` holds; what it waits for happens outside of this process's reach.
func eventually(_ condition: @Sendable () -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while !condition() {
        try #require(ContinuousClock.now < deadline, "it did not come about within 20 s")
        try await Task.sleep(for: .milliseconds(5))
    }
}
