import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// A guest whose agent ends or hangs, while everything else in it goes on.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct AgentFailure {
        private let client: VersClient
        private let instance: Instance

        init() throws {
            instance = try Instance.current
            client = try instance.client()
        }

        /// Every command is a child of the agent.
        private func killAgent(of machine: MachineID) async throws {
            let refusal = try await client.refusal { _ = try await $0.sh(machine, "kill -9 $PPID; sleep 100") }
            #expect(refusal.code == .unavailable, "\(refusal)")
        }

        /// What a script writes; nil when the agent does not answer, or is being started again.
        private func answer(of machine: MachineID, _ script: String, by other: VersClient? = nil) async throws
            -> String?
        {
            do {
                let request = ExecRequest(command: ["sh", "-c", script], timeout_secs: 60)
                return try await (other ?? client).execute(request, in: machine).stdout
            } catch let error as VersError where [.timedOut, .unavailable].contains(error.code) {
                return nil
            }
        }

        /// Follows a command that counts lines until it cannot be followed any more.
        /// - Returns: where what it said ends, and the error that ended the stream.
        private func lastWords(of stream: ExecStream) async throws
            -> ((position: UInt64?, lines: Int), VersError?)
        {
            var position: UInt64?
            var lines = 0
            for try await event in stream {
                switch event {
                case .chunk(_, let data, let cursor, _, _):
                    position = cursor
                    lines += data.count { $0 == UInt8(ascii: "\n") }
                case .error(let code, let message): return ((position, lines), VersError(code, message))
                case .exit(let code, _, _): throw TestFailure("the command ended with status \(code)")
                }
            }
            return ((position, lines), nil)
        }

        @Test func `an agent that dies comes back, and what it was doing fails clearly`() async throws {
            try await instance.ok("env set OF_ORGANISATION kept")
            let machine = try await client.newTiny()
            try await client.startCounter(machine)
            let followed = try await client.stream(ExecRequest(command: ["sleep", "600"]), in: machine)
            // The second ends at once after its start.
            for round in 1...2 {
                let before = try await client.counter(machine)
                try await killAgent(of: machine)
                #expect(try await client.sh(machine, "echo $OF_ORGANISATION") == "kept", "round \(round)")
                #expect(try await client.state(of: machine) == .running)
                #expect(try await client.counter(machine) >= before)
            }
            await #expect(throws: VersError.self) {
                for try await event in followed {
                    if case .error(let code, let message) = event { throw VersError(code, message) }
                }
            }
            let child = try #require(try await client.branch(machine).first)
            try await killAgent(of: child)
            #expect(try await client.sh(child, "echo $OF_ORGANISATION") == "kept")
            #expect(try await client.sh(machine, "echo parent") == "parent")
            try await client.deleteMachine(machine, recursive: true)
        }

        @Test func `an agent that died while no daemon ran is found by the next`() async throws {
            try await instance.ok("env set OF_ORGANISATION kept")
            let machine = try await client.newTiny()
            try await client.sh(machine, "(sleep 1; kill -9 $PPID; echo x >/tmp/killed) </dev/null >/dev/null 2>&1 &")
            try await instance.restartDaemon(SIGKILL)
            let again = try instance.client()
            var last: String?
            do {
                try await eventually("the agent to have been killed") {
                    last = try await answer(of: machine, "cat /tmp/killed; ps", by: again)
                    return last?.hasPrefix("x\n") == true
                }
            } catch {
                // It was not once, on a busy host, and nothing told why.
                instance.printLogs(because: "\(error), the last answer was \(last ?? "none")")
                throw error
            }
            #expect(try await again.sh(machine, "echo $OF_ORGANISATION") == "kept")
            try await again.deleteMachine(machine)
        }

        @Test func `an agent that hangs is told from a slow one, and its VM can be ended`() async throws {
            let machine = try await client.newTiny()
            let witness = try await client.newTiny()
            let count = "i=0; while [ $i -lt 300 ]; do echo $i; i=$((i + 1)); sleep 1; done"
            let followed = try await client.stream(ExecRequest(command: ["sh", "-c", count]), in: machine)
            try await client.sh(
                machine,
                "a=$PPID; (sleep 0.3; kill -STOP $a; sleep 60; kill -CONT $a) </dev/null >/dev/null 2>&1 &"
            )
            let (cursor, end) = try await lastWords(of: followed)
            #expect(end?.code == .timedOut)
            #expect(end?.message.contains(machine.text) == true, "\(end?.message ?? "")")
            #expect(end?.message.contains(followed.execID.text) == true)
            let refusal = try await client.refusal { _ = try await $0.sh(machine, "true") }
            #expect(refusal.code == .timedOut)
            #expect(refusal.message.contains(machine.text) && refusal.message.contains("does not answer"))
            #expect(refusal.hint?.contains("vers logs") == true && refusal.hint?.contains("vers stop") == true)
            #expect(try await client.sh(witness, "echo alive") == "alive")
            try await eventually("the agent to go on", within: .seconds(120)) {
                try await answer(of: machine, "echo awake") == "awake\n"
            }
            // The command ran on all the while, and nothing of what it said is missing.
            let again = try await client.attach(
                AttachRequest(exec_id: followed.execID, cursor: cursor.position),
                in: machine
            )
            var next = cursor.lines
            for try await event in again {
                guard case .chunk(_, let data, _, _, _) = event else { continue }
                for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
                    #expect(line == "\(next)")
                    next += 1
                }
                // More than the agent hung for.
                if next > 60 { break }
            }
            #expect(next > 60)
            for machine in [machine, witness] { try await client.deleteMachine(machine) }
        }
    }
}
