import APITestSupport
import SystemPackage
import Testing
import VersAPI
import VersClient

@Suite struct ClientFailureTests {
    @Test func nobodyListensIsUnreachableWithAHint() async throws {
        for address in ["http://127.0.0.1:1", "socket"] {
            let client =
                address == "socket"
                ? try VersClient(unixSocket: FilePath("/tmp/vers-no-such.sock"), apiKey: "k")
                : try VersClient(baseURL: address, apiKey: "k")
            try await VersClient.with(client) { client in
                let error = await #expect(throws: VersError.self) { try await client.machines() }
                #expect(error?.code == .unreachable)
                #expect(error?.hint != nil)
            }
        }
    }

    @Test func readsAreRepeatedTwiceAndWritesNever() async throws {
        try await ServerFixture.run { server in
            let busy = VersError(.unavailable, "busy")
            server.domain.fail(with: [busy, busy])
            _ = try await server.client.machines()
            #expect(server.domain.recorded == ["list", "list", "list"])

            server.domain.fail(with: [busy, busy, busy])
            let error = await #expect(throws: VersError.self) { try await server.client.machine(server.domain.machine) }
            #expect(error?.code == .unavailable)
            #expect(server.domain.recorded.count == 6)

            server.domain.fail(with: [busy])
            await #expect(throws: VersError.self) { try await server.client.branch(server.domain.machine) }
            #expect(server.domain.recorded.count == 7)
        }
    }

    @Test func aNamedWriteIsRepeatedAndDoneOnce() async throws {
        try await ServerFixture.run { server in
            let busy = VersError(.unavailable, "busy")
            server.domain.fail(with: [busy, busy])
            let client = server.client.repeatable(under: "one")
            let made = try await client.branch(server.domain.machine)
            #expect(server.domain.recorded.count == 3)
            #expect(try await client.branch(server.domain.machine) == made)
            #expect(server.domain.recorded.count == 3)
        }
    }

    @Test func aRefusalIsNotRepeated() async throws {
        try await ServerFixture.run { server in
            server.domain.fail(with: [VersError(.notFound, "no such VM", hint: "see `vers ps`")])
            let error = await #expect(throws: VersError.self) { try await server.client.machine(MachineID()) }
            #expect(error?.code == .notFound)
            #expect(error?.message == "no such VM")
            #expect(error?.hint == "see `vers ps`")
            #expect(server.domain.recorded.count == 1)
        }
    }

    @Test func aSlowAnswerTimesOut() async throws {
        try await ServerFixture.run { server in
            var configuration = VersClient.Configuration()
            configuration.requestTimeout = .milliseconds(50)
            configuration.retryDelays = []
            let client = try VersClient(
                unixSocket: server.socket,
                apiKey: DomainDouble.key,
                configuration: configuration
            )
            server.domain.holdNextCall()
            try await VersClient.with(client) { client in
                let error = await #expect(throws: VersError.self) { try await client.machines() }
                #expect(error?.code == .timedOut)
            }
            server.domain.releaseCall()
        }
    }

    @Test func aCancelledCallSaysSo() async throws {
        try await ServerFixture.run { server in
            server.domain.holdNextCall()
            let client = server.client
            let call = Task { try await client.machines() }
            await server.domain.callIsHeld()
            call.cancel()
            let error = await #expect(throws: VersError.self) { try await call.value }
            #expect(error?.code == .cancelled)
            server.domain.releaseCall()
        }
    }
}
