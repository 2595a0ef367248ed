import APITestSupport
import Foundation
import Testing
import VersAPI

/// Synchronous commands with an idempotency key.
@Suite struct NamedCommandTests {
    private static let body = #"{"command":["make"]}"#

    private func run(_ server: ServerFixture, name: String, body: String = body) async throws -> RawHTTP.Answer {
        try await RawHTTP.send(
            "POST",
            "/api/v1/vm/\(server.domain.machine)/exec",
            body: body,
            headers: ["Authorization": "Bearer \(DomainDouble.key)", "X-Idempotency-Key": name],
            to: server.socket
        )
    }

    @Test func aCommandRunsOnce() async throws {
        try await ServerFixture.run { server in
            let exec = ExecDouble()
            exec.emit("out")
            exec.exit(3)
            server.domain.guest.prepare(exec)
            let first = try await run(server, name: "a")
            let second = try await run(server, name: "a")
            #expect(first.status == 200 && first.body == second.body)
            #expect(second.headers["x-exec-id"] == first.headers["x-exec-id"])
            #expect(server.domain.guest.snapshot.requests.count == 1)
        }
    }

    @Test func aCommandThatWasCutOffIsFollowedAgain() async throws {
        try await ServerFixture.run { server in
            let lost = ExecDouble()
            lost.lose()
            server.domain.guest.prepare(lost)
            let first = try await run(server, name: "a")
            #expect(first.status >= 500, "\(first.body)")
            let id = try #require(server.domain.guest.snapshot.requests.first?.exec_id)
            // The guest still has it, so that it does not start another.
            server.domain.guest.refuseNextCommand(with: VersError(.alreadyExists, "exec id \(id) is taken"))
            let again = ExecDouble()
            again.emit("out")
            again.exit(0)
            server.domain.guest.prepare(again)
            let second = try await run(server, name: "a")
            #expect(second.status == 200 && second.body.contains(#""stdout":"out""#), "\(second.body)")
            #expect(server.domain.guest.snapshot.attachments.map(\.exec_id) == [id])
            #expect(server.domain.guest.snapshot.attachments[0].cursor == nil)
        }
    }

    @Test func otherNamesAndOtherCommandsHaveOtherIDs() async throws {
        try await ServerFixture.run { server in
            for (name, body) in [("a", Self.body), ("b", Self.body), ("c", #"{"command":["ls"]}"#)] {
                let exec = ExecDouble()
                exec.exit(0)
                server.domain.guest.prepare(exec)
                let answer = try await run(server, name: name, body: body)
                #expect(answer.status == 200)
            }
            let ids = server.domain.guest.snapshot.requests.map(\.exec_id)
            #expect(Set(ids).count == 3)
        }
    }

    @Test func outputThatIsTooLargeToKeepIsFollowedAgain() async throws {
        try await ServerFixture.run { server in
            func prepare() {
                let exec = ExecDouble()
                for cursor in 1...3 { exec.emit([UInt8](repeating: 0x61, count: 40_000), cursor: UInt64(cursor)) }
                exec.exit(0)
                server.domain.guest.prepare(exec)
            }
            prepare()
            let first = try await run(server, name: "a")
            server.domain.guest.refuseNextCommand(with: VersError(.alreadyExists, "taken"))
            prepare()
            let second = try await run(server, name: "a")
            #expect(first.status == 200 && second.status == 200)
            let (one, two) = (try stdout(first), try stdout(second))
            #expect(one.count == 120_000 && one == two)
            #expect(server.domain.guest.snapshot.attachments.count == 1)
            let other = try await run(server, name: "a", body: #"{"command":["ls"]}"#)
            #expect(other.status == 422)
        }
    }

    private func stdout(_ answer: RawHTTP.Answer) throws -> String {
        try JSONCoding.decode(ExecResponse.self, from: Data(answer.body.utf8)).stdout
    }
}
