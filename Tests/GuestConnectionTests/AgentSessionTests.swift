import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

@Suite struct AgentSessionTests {
    @Test func streamsAndExitCodeAreKept() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let result = try await session.run("echo out; echo err >&2; exit 7")
        #expect(result.text == "out\n")
        #expect(result.stderr == Array("err\n".utf8))
        #expect(result.exitCode == 7)
        #expect(result.cursors == [1, 2, 3])
        await session.close()
    }

    @Test func aCommandThatCannotRunIsAnError() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        for command in [["no-such-program-anywhere"], ["/tmp"], [""], []] {
            let error = await #expect(throws: VersError.self) {
                _ = try await session.execute(ExecRequest(command: command))
            }
            #expect(error?.code == .invalidArgument)
        }
        let error = await #expect(throws: VersError.self) {
            _ = try await session.execute(ExecRequest(command: ["true"], working_dir: "/no/such/place"))
        }
        #expect(error?.code == .invalidArgument)
        await session.close()
    }

    @Test func environmentAndDirectoryAreThoseAskedFor() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let request = ExecRequest(command: ["sh", "-c", "echo $X; pwd"], env: ["X": "a b"], working_dir: "/usr")
        #expect(try await Transcript(of: session.execute(request)).text == "a b\n/usr\n")
        await session.close()
    }

    @Test(arguments: [0, 5, 65_536, 65_537, 1_000_000])
    func stdinOfAnyLengthArrives(count: Int) async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let request = ExecRequest(command: ["wc", "-c"], stdin: String(repeating: "x", count: count))
        #expect(
            try await Transcript(of: session.execute(request)).text.trimmingCharacters(in: .whitespacesAndNewlines)
                == "\(count)"
        )
        await session.close()
    }

    @Test func stdinCanStayOpen() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let id = ExecID()
        let exec = try await session.execute(
            ExecRequest(command: ["cat"], stdin: "one ", exec_id: id, keep_stdin_open: true)
        )
        try await session.sendInput(Array("two ".utf8), to: id, endOfInput: false)
        try await session.sendInput(Array("three".utf8), to: id, endOfInput: true)
        let result = try await Transcript(of: exec)
        #expect(result.text == "one two three" && result.exitCode == 0)
        await session.close()
    }

    @Test func aTerminalHasASizeThatCanChange() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let id = ExecID()
        let exec = try await session.execute(
            ExecRequest(
                command: ["sh", "-c", "tty >/dev/null && stty size; read x; stty size; exit 3"],
                exec_id: id,
                tty: TerminalSize(columns: 91, rows: 37),
                keep_stdin_open: true
            )
        )
        try await session.resizeTerminal(of: id, to: TerminalSize(columns: 120, rows: 50))
        try await session.sendInput(Array("\n".utf8), to: id, endOfInput: false)
        let result = try await Transcript(of: exec)
        #expect(result.text.contains("50 120"))
        #expect(result.exitCode == 3)
        await session.close()
    }

    @Test(arguments: [[], ["a line\n"], ["no line"], ["a line\nno line"], ["in ", "parts"], ["a return\r"]])
    func inputOnATerminalEndsWhereverItEnds(parts: [String]) async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let id = ExecID()
        let exec = try await session.execute(
            ExecRequest(
                command: ["cat"],
                timeout_secs: 20,
                exec_id: id,
                tty: TerminalSize(columns: 80, rows: 24),
                keep_stdin_open: true
            )
        )
        for part in parts { try await session.sendInput(Array(part.utf8), to: id, endOfInput: false) }
        try await session.sendInput([], to: id, endOfInput: true)
        let result = try await Transcript(of: exec)
        #expect(result.exitCode == 0, "\(result.text)")
        await session.close()
    }

    @Test func controlCReachesTheForegroundOfATerminal() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let id = ExecID()
        let exec = try await session.execute(
            ExecRequest(
                command: ["sh", "-c", "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 1; done"],
                exec_id: id,
                tty: TerminalSize(columns: 80, rows: 24),
                keep_stdin_open: true
            )
        )
        guard case .chunk = try await exec.next() else { return #expect(Bool(false), "no output") }
        try await session.sendInput([3], to: id, endOfInput: false)
        let result = try await Transcript(of: exec)
        #expect(result.text.contains("caught") && result.exitCode == 5)
        await session.close()
    }

    @Test func signalsReachTheGroup() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let id = ExecID()
        let exec = try await session.execute(
            ExecRequest(command: ["sh", "-c", "sleep 1000 & echo ready; wait"], exec_id: id)
        )
        guard case .chunk = try await exec.next() else { return #expect(Bool(false), "no output") }
        try await session.signal(9, to: id)
        #expect(try await Transcript(of: exec).exitCode == 137)
        await #expect(throws: VersError.self) { try await session.signal(9, to: id) }
        await #expect(throws: VersError.self) { try await session.signal(9, to: ExecID()) }
        await session.close()
    }

    @Test func timeIsLimited() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let request = ExecRequest(command: ["sleep", "1000"], timeout_secs: 1)
        #expect(try await Transcript(of: session.execute(request)).exitCode == 124)
        await session.close()
    }

    @Test func aBackgroundChildHoldsNothingUp() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let result = try await session.run("sleep 1000 & echo started; exit 4")
        #expect(result.text == "started\n" && result.exitCode == 4)
        await session.close()
    }

    @Test func hugeOutputIsComplete() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let result = try await session.run("head -c 20000000 /dev/zero | tr '\\0' x; echo end >&2")
        #expect(result.stdout.count == 20_000_000)
        #expect(result.stdout.allSatisfy { $0 == UInt8(ascii: "x") })
        #expect(result.stderr == Array("end\n".utf8))
        await session.close()
    }

    @Test func aSlowReaderHoldsUpNobodyElse() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let slow = try await session.execute(ExecRequest(command: ["sh", "-c", "seq 1 300000; echo last"]))
        for _ in 0..<20 { #expect(try await session.run("echo quick").text == "quick\n") }
        let result = try await Transcript(of: slow)
        #expect(result.exitCode == 0 && result.text.hasSuffix("300000\nlast\n"))
        #expect(result.cursors == Array(1...UInt64(result.cursors.count)))
        await session.close()
    }

    @Test func twoHundredCommandsRunAtOnce() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let result = try await session.run("echo \(number)")
                    #expect(result.text == "\(number)\n" && result.exitCode == 0)
                }
            }
            try await group.waitForAll()
        }
        await session.close()
    }

    @Test func logsHoldTheOutputOfAll() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        _ = try await session.run("printf abc")
        _ = try await session.run("printf defg >&2")
        let page = try await session.logs(offset: 0, maximumEntries: 100, stream: nil)
        #expect(page.entries.map(\.data_b64) == ["YWJj", "ZGVmZw=="])
        #expect(page.eof && page.next_offset == 7)
        let errors = try await session.logs(offset: 0, maximumEntries: 100, stream: .stderr)
        #expect(errors.entries.map(\.data_b64) == ["ZGVmZw=="])
        await session.close()
    }

    @Test func whatOnlyAVMCanDoIsRefusedElsewhere() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let error = await #expect(throws: VersError.self) { _ = try await session.growRootFilesystem() }
        #expect(error?.code == .unsupported)
        await #expect(throws: VersError.self) { try await session.powerOff() }
        try await session.waitUntilSettled(deadline: .now + .seconds(10))
        await session.close()
    }
}
