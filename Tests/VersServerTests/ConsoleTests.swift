import APITestSupport
import Testing
import VersAPI
import VersClient

@Suite struct ConsoleTests {
    @Test func `a followed console comes piece by piece and ends with the VM`() async throws {
        try await ServerFixture.run { server in
            let (console, machine) = (server.domain.console, server.domain.machine)
            let stream = try await server.client.followConsole(of: machine, offset: 7)
            #expect(server.domain.recorded.last == "console \(machine) 7 followed")
            var iterator = stream.makeAsyncIterator()
            console.write("login:", nextOffset: 13)
            let first = try #require(try await iterator.next())
            #expect(first.bytes == Array("login:".utf8) && first.nextOffset == 13)
            console.write(" root", nextOffset: 18)
            #expect(try await iterator.next()?.nextOffset == 18)
            console.end()
            #expect(try await iterator.next() == nil)
            #expect(try await server.client.health().exec.streams_total == 0)
        }
    }

    @Test func `a client that leaves ends the wait for a silent VM`() async throws {
        try await ServerFixture.run { server in
            let (client, machine) = (server.client, server.domain.machine)
            let reader = Task {
                for try await _ in try await client.followConsole(of: machine) { return }
            }
            server.domain.console.write("hello", nextOffset: 5)
            try await reader.value
            await server.domain.console.cancelled.wait()
        }
    }

    @Test func `a shutdown breaks the stream off, so that it is gone on with`() async throws {
        try await ServerFixture.run { server in
            let stream = try await server.client.followConsole(of: server.domain.machine)
            await server.beginShutdown()
            let error = await #expect(throws: VersError.self) { for try await _ in stream {} }
            #expect([.unavailable, .unreachable].contains(error?.code))
            await server.domain.console.cancelled.wait()
        }
    }
}
