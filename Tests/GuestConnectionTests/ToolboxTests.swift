import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

struct ToolboxTests {
    private func request(_ script: String, keepsInputOpen: Bool = false) -> ExecRequest {
        ExecRequest(command: ["sh", "-c", script], exec_id: ExecID(), keep_stdin_open: keepsInputOpen, toolbox: true)
    }

    /// The text of a file that the guest writes.
    private func text(of name: String, in agent: AgentFixture) async throws -> String {
        let path = agent.directory.appending(name).string
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            if let text = try? String(contentsOfFile: path, encoding: .utf8), !text.isEmpty { return text }
            try #require(ContinuousClock.now < deadline, "\(name) was not written")
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    @Test func `output goes to its follower and is not kept`() async throws {
        let agent = try AgentFixture(hasToolbox: true)
        let session = try await agent.connect()
        let request = request("head -c 1000000 /dev/zero; echo failed >&2; exit 3")
        let transcript = try await Transcript(of: session.execute(request))
        #expect(transcript.stdout.count == 1_000_000 && transcript.exitCode == 3)
        #expect(String(decoding: transcript.stderr, as: UTF8.self) == "failed\n")
        #expect(try await session.logs(offset: 0, maximumEntries: 100, stream: nil).entries.isEmpty)
        let id = try #require(request.exec_id)
        let error = await #expect(throws: VersError.self) { _ = try await session.attach(AttachRequest(exec_id: id)) }
        #expect(error?.code == .notFound)
        await session.close()
    }

    /// Neither a reader that leaves nor a connection that is lost leaves a command behind, and it does not take the end
    /// of its input for a good one.
    @Test(arguments: [true, false]) func `without a follower a tool is hung up on`(isConnectionLost: Bool) async throws
    {
        let agent = try AgentFixture(hasToolbox: true)
        let session = try await agent.connect()
        let script =
            "cd \(agent.directory); trap 'echo hung up >end; exit 1' HUP; echo ready; cat >part; echo whole >end"
        let exec = try await session.execute(request(script, keepsInputOpen: true))
        guard case .chunk = try await exec.next() else { throw TestError("no output") }
        try await session.sendInput(Array("begun".utf8), to: exec.id, endOfInput: false)
        #expect(try await text(of: "part", in: agent) == "begun")
        if isConnectionLost { await session.close() } else { await exec.detach() }
        #expect(try await text(of: "end", in: agent) == "hung up\n")
        if !isConnectionLost {
            // It is not known any more, and its input is refused.
            let deadline = ContinuousClock.now + .seconds(20)
            while (try? await session.sendInput([1], to: exec.id, endOfInput: false)) != nil {
                try #require(ContinuousClock.now < deadline)
            }
            await session.close()
        }
    }

    @Test func `an ordinary command runs on without a follower`() async throws {
        let agent = try AgentFixture(hasToolbox: true)
        let session = try await agent.connect()
        let script =
            "cd \(agent.directory); trap 'echo hung up >end; exit 1' HUP; echo ready; cat >/dev/null; echo whole >end"
        let request = ExecRequest(command: ["sh", "-c", script], keep_stdin_open: true)
        let exec = try await session.execute(request)
        guard case .chunk = try await exec.next() else { throw TestError("no output") }
        await exec.detach()
        try await session.sendInput([], to: exec.id, endOfInput: true)
        #expect(try await text(of: "end", in: agent) == "whole\n")
        await session.close()
    }

    @Test func `an image without a toolbox says what to do`() async throws {
        let agent = try AgentFixture()
        let session = try await agent.connect()
        let error = await #expect(throws: VersError.self) { _ = try await session.execute(request("true")) }
        #expect(error?.code == .incompatible && error?.hint?.contains("make image") == true)
        await session.close()
    }

    private struct TestError: Error {
        var text: String

        init(_ text: String) { self.text = text }
    }
}
