import APITestSupport
import Foundation
import Testing
import VersAPI
import VersClient

@Suite struct ExecTests {
    private static let request = ExecRequest(command: ["sh", "-c", "true"])

    @Test func theStreamStartsAtOnceAndFollowsTheCommand() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            server.domain.guest.prepare(exec)
            // Nothing has been printed yet: the answer starts when the process exists.
            let stream = try await server.client.stream(Self.request, in: server.domain.machine)
            #expect(stream.execID == exec.id)
            var iterator = stream.makeAsyncIterator()
            exec.emit("one")
            guard case .chunk(.stdout, let data, _, exec.id, _)? = try await iterator.next() else {
                Issue.record("expected a chunk")
                return
            }
            #expect(data == Array("one".utf8))
            exec.emit([0, 255], on: .stderr)
            guard case .chunk(.stderr, [0, 255], _, _, _)? = try await iterator.next() else {
                Issue.record("expected bytes that are no text")
                return
            }
            exec.exit(3)
            #expect(try await iterator.next() == .exit(code: 3, cursor: 99, execID: exec.id))
            #expect(try await iterator.next() == nil)
            await exec.detached.wait()
            let sent = try #require(server.domain.guest.snapshot.requests.first)
            #expect(sent.command == Self.request.command)
            #expect(sent.exec_id != nil)
        }
    }

    @Test func aClientThatLeavesDetachesFromASilentCommand() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            server.domain.guest.prepare(exec)
            let (client, machine) = (server.client, server.domain.machine)
            let reader = Task {
                let stream = try await client.stream(Self.request, in: machine)
                for try await _ in stream { return }
            }
            exec.emit("hello")
            try await reader.value
            await exec.detached.wait()
            #expect(try await server.client.health().exec.streams_total == 1)
        }
    }

    @Test func aSlowReaderStopsTheGuest() async throws {
        try await ServerFixture.run { server in
            let id = ExecID()
            let block = [UInt8](repeating: 65, count: 256 * 1024)
            let exec = ExecDouble(id: id) {
                .chunk(stream: .stdout, data: block, cursor: 1, execID: id, timestamp: "")
            }
            server.domain.guest.prepare(exec)
            let machine = server.domain.machine
            try await RawHTTP.connect(to: server.socket) { connection in
                let body = #"{"command":["yes"]}"#
                let head =
                    "POST /api/v1/vm/\(machine)/exec/stream HTTP/1.1\r\nHost: v\r\n"
                    + "Authorization: Bearer \(DomainDouble.key)\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
                try await connection.send(head + body)
                var received = 0
                while received < 4_000_000, let piece = try await connection.read() { received += piece.utf8.count }
                // What is under way is bounded by the sockets' buffers, not by what the command can print.
                #expect(exec.takenCount < 4_000_000 / block.count + 64)
            }
            await exec.detached.wait()
        }
    }

    @Test func aFailingStreamEndsWithAnErrorLine() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            server.domain.guest.prepare(exec)
            let stream = try await server.client.stream(Self.request, in: server.domain.machine)
            exec.emit(.error(code: .timedOut, message: "stopped after 1 s"))
            exec.lose()
            var events: [ExecEvent] = []
            for try await event in stream { events.append(event) }
            #expect(events == [.error(code: .timedOut, message: "stopped after 1 s")])
        }
    }

    @Test func aStreamWithoutAnExitIsAnError() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            server.domain.guest.prepare(exec)
            let stream = try await server.client.stream(Self.request, in: server.domain.machine)
            exec.lose()
            let error = await #expect(throws: VersError.self) { for try await _ in stream {} }
            #expect(error?.code == .unavailable)
        }
    }

    @Test func aGracefulShutdownEndsStreamsAndWaitingCalls() async throws {
        try await ServerFixture.run { server in
            let (silent, waiting) = (ExecDouble(), ExecDouble())
            server.domain.guest.prepare(silent, waiting)
            let stream = try await server.client.stream(Self.request, in: server.domain.machine)
            let (client, machine) = (server.client, server.domain.machine)
            let call = Task { try await client.execute(Self.request, in: machine) }
            waiting.emit("x")
            while waiting.takenCount == 0 { await Task.yield() }
            await server.beginShutdown()
            var events: [ExecEvent] = []
            for try await event in stream { events.append(event) }
            #expect(events == [.error(code: .unavailable, message: "the server is shutting down")])
            let error = await #expect(throws: VersError.self) { try await call.value }
            #expect(error?.code == .unavailable)
            await silent.detached.wait()
            await waiting.detached.wait()
        }
    }

    @Test func manyStreamsRunAtOnce() async throws {
        try await ServerFixture.run { server in
            let execs = (0..<200).map { _ in ExecDouble() }
            for exec in execs { server.domain.guest.prepare(exec) }
            var streams: [ExecStream] = []
            for _ in execs { streams.append(try await server.client.stream(Self.request, in: server.domain.machine)) }
            #expect(try await server.client.health().exec.streams_active == 200)
            for exec in execs { exec.exit(0) }
            for stream in streams {
                for try await event in stream { #expect(event == .exit(code: 0, cursor: 99, execID: stream.execID)) }
            }
            for exec in execs { await exec.detached.wait() }
        }
    }

    @Test func theSynchronousCallCollects() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            server.domain.guest.prepare(exec)
            exec.emit("out")
            exec.emit("err", on: .stderr)
            exec.emit([0xC3], on: .stdout)
            exec.exit(7)
            let response = try await server.client.execute(Self.request, in: server.domain.machine)
            let expected = ExecResponse(exit_code: 7, stdout: "out\u{FFFD}", stderr: "err", exec_id: exec.id)
            #expect(response == expected)
        }
    }

    @Test func theSynchronousCallSaysWhenOutputIsTooLong() async throws {
        try await ServerFixture.run { server in
            let id = ExecID()
            let block = [UInt8](repeating: 65, count: 1_000_000)
            let exec = ExecDouble(id: id) {
                .chunk(stream: .stdout, data: block, cursor: 1, execID: id, timestamp: "")
            }
            server.domain.guest.prepare(exec)
            let error = await #expect(throws: VersError.self) {
                try await server.client.execute(Self.request, in: server.domain.machine)
            }
            #expect(error?.code == .payloadTooLarge)
            #expect(error?.message.contains("10485760") == true)
            await exec.detached.wait()
        }
    }

    @Test func attachPassesTheCursor() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            server.domain.guest.prepare(exec)
            exec.exit(0)
            let request = AttachRequest(exec_id: exec.id, cursor: 5)
            let stream = try await server.client.attach(request, in: server.domain.machine)
            for try await _ in stream {}
            #expect(server.domain.guest.snapshot.attachments.first?.cursor == 5)
        }
    }

    @Test func inputSizesAndSignalsReachTheGuest() async throws {
        try await ServerFixture.run { server in
            let (machine, exec, client) = (server.domain.machine, ExecID(), server.client)
            let input = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0) }
            try await client.sendInput(input, to: exec, in: machine)
            #expect(!server.domain.guest.snapshot.inputEnded)
            try await client.sendInput([], to: exec, in: machine, endOfInput: true)
            try await client.resizeTerminal(of: exec, in: machine, to: TerminalSize(columns: 120, rows: 40))
            try await client.signal(15, to: exec, in: machine)
            let guest = server.domain.guest.snapshot
            #expect(guest.input == input)
            #expect(guest.inputEnded)
            #expect(guest.sizes == [TerminalSize(columns: 120, rows: 40)])
            #expect(guest.signals == [15])
        }
    }

    @Test func logsAndConsoleArePaged() async throws {
        try await ServerFixture.run { server in
            let page = try await server.client.logs(
                of: server.domain.machine,
                offset: 3,
                maximumEntries: 4,
                stream: .stdout
            )
            #expect(page.next_offset == 7)
            #expect(page.entries.first?.stream == .stdout)
            let console = try await server.client.console(of: server.domain.machine, offset: 2)
            #expect(console.bytes == Array("login:".utf8))
            #expect(console.nextOffset == 8)
        }
    }

    @Test func aGuestThatCannotStartItAnswersAnOrdinaryError() async throws {
        try await ServerFixture.run { server in
            server.domain.guest.fail(with: VersError(.invalidArgument, "no program 'nope'"))
            let error = await #expect(throws: VersError.self) {
                try await server.client.stream(Self.request, in: server.domain.machine)
            }
            #expect(error?.code == .invalidArgument)
        }
    }
}
