import Foundation
import Testing
import VersAPI
import VersClient
import VersCore

extension IntegrationTests {
    /// Requests with an idempotency key whose daemon is killed before it answers: each is done once.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Repetition {
        private let instance: Instance

        init() throws { instance = try Instance.current }

        @Test func `children that were made before the daemon was killed are the repetition's answer`() async throws {
            let parent = try await instance.client().newTiny()
            let name = UUID().uuidString
            try await dieAt(.branchChildrenRecorded) { try await $0.repeatable(under: name).branch(parent, count: 2) }
            let client = try instance.client()
            let children = try await client.repeatable(under: name).branch(parent, count: 2)
            #expect(Set(try await client.machines().map(\.vm_id)) == Set(children + [parent]))
            for child in children { #expect(try await client.sh(child, "echo here") == "here") }
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `a branch that was cut off before it made anything is done by the repetition`() async throws {
            let parent = try await instance.client().newTiny()
            let name = UUID().uuidString
            try await dieAt(.branchMemoryComplete) { try await $0.repeatable(under: name).branch(parent) }
            let client = try instance.client()
            #expect(try await client.machines().map(\.vm_id) == [parent])
            let children = try await client.repeatable(under: name).branch(parent)
            #expect(try await client.repeatable(under: name).branch(parent) == children)
            #expect(try await client.machines().count == 2)
            try await client.deleteMachine(parent, recursive: true)
        }

        @Test func `a commit that was recorded before the daemon was killed is the repetition's answer`() async throws {
            let parent = try await instance.client().newTiny()
            let name = UUID().uuidString
            try await dieAt(.commitRecorded) { try await $0.repeatable(under: name).commit(parent) }
            let client = try instance.client()
            let commit = try await client.repeatable(under: name).commit(parent)
            #expect(try await client.commits().commits.map(\.commit_id) == [commit])
            try await client.deleteMachine(parent)
            try await client.deleteCommit(commit)
        }

        @Test func `a command runs once, and the repetition gets its output`() async throws {
            let first = try instance.client()
            let machine = try await first.newTiny()
            let name = UUID().uuidString
            // It waits for the test, so that the daemon is killed in the middle of it, and not at some moment.
            let script = "echo run >>/root/runs; until [ -e /root/go ]; do sleep 0.1; done; echo done; exit 3"
            let request = ExecRequest(command: ["sh", "-c", script], timeout_secs: 120)
            let call = Task { try await first.repeatable(under: name).execute(request, in: machine) }
            try await eventually("the command to run") {
                try await first.sh(machine, "cat /root/runs 2>/dev/null || true") == "run"
            }
            try await instance.restartDaemon(SIGKILL)
            let client = try instance.client()
            try await client.sh(machine, "touch /root/go")
            // The client itself has repeated the call, which fails unless the next daemon was there by then.
            if case .success(let answer) = await call.result { #expect(answer.exit_code == 3) }
            for _ in 0..<2 {
                let answer = try await client.repeatable(under: name).execute(request, in: machine)
                #expect(answer.exit_code == 3 && answer.stdout == "done\n")
            }
            #expect(try await client.sh(machine, "cat /root/runs") == "run")
            try await client.deleteMachine(machine)
        }

        @Test func `a change of which nobody knows how far it got says so`() async throws {
            let machine = try await instance.client().newTiny()
            let name = UUID().uuidString
            try await dieAt(.deleteRecorded) { try await $0.repeatable(under: name).deleteMachine(machine) }
            let client = try instance.client()
            let error = try await client.refusal { try await $0.repeatable(under: name).deleteMachine(machine) }
            #expect(error.code == .interrupted)
            #expect(try await client.machines().isEmpty)
        }

        /// Lets the daemon end itself right after `step` inside `operation`, and starts the next one.
        private func dieAt(
            _ step: OperationStep,
            _ operation: (VersClient) async throws -> some Any
        ) async throws {
            try await instance.endDaemon()
            try await instance.startDaemon(fault: step.rawValue)
            let client = try instance.client()
            await #expect(throws: (any Error).self, "\(step) was not passed") { _ = try await operation(client) }
            #expect(try await instance.daemonEnd().status == 128 + SIGKILL)
            try await instance.startDaemon()
        }
    }
}
