import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Console {
        @Test func `a followed console goes on over restarts, and ends with the VM`() async throws {
            let instance = try Instance.current
            let client = try instance.client()
            let id = try await client.newTiny()
            let logs = try instance.startVers(["logs", "-f", id.text])
            defer { logs.forget() }
            try await client.sh(id, "echo mark-$((1+1)) >/dev/console")
            try await eventually("the first line") { logs.stdout.contains("mark-2") }
            try await instance.restartDaemon()
            let again = try instance.client()
            try await again.sh(id, "echo mark-$((2+2)) >/dev/console")
            try await eventually("the second line") { logs.stdout.contains("mark-4") }
            for state in [RequestedState.stopped, .running] { try await again.setState(of: id, to: state) }
            try await again.sh(id, "echo mark-$((3+3)) >/dev/console")
            try await eventually("the third line") { logs.stdout.contains("mark-6") }
            try await again.deleteMachine(id)
            let result = try await logs.result(within: .seconds(30))
            #expect(result.status == 0 && result.stderr.contains("is no more"))
            // Nothing twice.
            #expect(result.stdout.matches(of: /mark-2/).count == 1)
        }
    }
}
