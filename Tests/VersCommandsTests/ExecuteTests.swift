import APITestSupport
import Foundation
import SystemPackage
import Testing
import VersAPI
import VersServer

@testable import VersCommands

@Suite struct ExecuteTests {
    private func withInstance(_ body: (TestContext, ServerFixture) async throws -> Void) async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            try await body(test, fixture)
        }
    }

    @Test func streamsAndExitCodeAreTheCommands() async throws {
        try await withInstance { (test, fixture) async throws in
            let exec = ExecDouble()
            exec.emit("out")
            exec.emit("err", on: .stderr, cursor: 2)
            exec.exit(42)
            fixture.domain.guest.prepare(exec)
            let id = fixture.domain.machine.text
            #expect(await test.run("exec", "-w", "/srv", "-e", "A=1", "-t", "9", id, "--", "ls", "a b") == 42)
            #expect(test.output.text == "out")
            #expect(test.errors.text == "err")
            let request = try #require(fixture.domain.guest.snapshot.requests.first)
            #expect(request.command.last == "ls 'a b'")
            #expect(request.working_dir == "/srv" && request.env == ["A": "1"] && request.timeout_secs == 9)
            #expect(request.tty == nil && request.keep_stdin_open != true)
        }
    }

    @Test func headIsTheDefault() async throws {
        try await withInstance { (test, fixture) async throws in
            try HeadFile(test.context).write(fixture.domain.machine)
            let exec = ExecDouble()
            exec.exit(0)
            fixture.domain.guest.prepare(exec)
            #expect(await test.run("execute", "uptime | cat") == 0)
            #expect(fixture.domain.recorded == ["guest \(fixture.domain.machine)"])
            #expect(fixture.domain.guest.snapshot.requests.first?.command.last == "uptime | cat")
        }
    }

    /// What the scripts of the shells ask for.
    @Test(arguments: [
        ("info", "", ["web", "{id}"]), ("info", "w", ["web"]), ("exec", "x", []), ("delete", "{id}", ["{id}"]),
    ])
    func namesOfVMsAreCompleted(_ command: String, _ prefix: String, _ expected: [String]) async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine.text
            try AliasFile(test.context).set("web", to: fixture.domain.machine)
            try AliasFile(test.context).set("gone", to: MachineID())
            let prefix = prefix.replacing("{id}", with: id)
            let position = ["positional@0", "2", "\(prefix.utf8.count)"]
            let call = ["---completion", command, "--"] + position + ["vers", command, prefix]
            #expect(await CommandLineProgram.run(call, context: test.context) == 0)
            let names = test.output.text.split(whereSeparator: \.isWhitespace).map(String.init)
            #expect(names == expected.map { $0.replacing("{id}", with: id) })
        }
    }

    @Test func completionStartsNothingAndSaysNothingWithoutAServer() async throws {
        let test = try TestContext()
        test.environment["VERS_AUTOSTART"] = nil
        #expect(await test.run("---completion", "info", "--", "positional@0", "2", "0", "vers", "info", "") == 0)
        #expect(test.errors.text.isEmpty && test.output.text.trimmed.isEmpty)
        #expect(!FileManager.default.fileExists(atPath: "\(test.root)/instance"))
    }

    @Test func aPrefixOfAnExistingVMIsTheVM() async throws {
        try await withInstance { (test, fixture) async throws in
            let exec = ExecDouble()
            exec.exit(0)
            fixture.domain.guest.prepare(exec)
            #expect(await test.run("exec", String(fixture.domain.machine.text.prefix(6)), "uptime") == 0)
            #expect(fixture.domain.guest.snapshot.requests.first?.command.last == "uptime")
        }
    }

    @Test func aLostConnectionIsTakenUpAgainAfterTheLastOutput() async throws {
        try await withInstance { (test, fixture) async throws in
            let first = ExecDouble()
            first.emit("one ", cursor: 7)
            first.emit(.error(code: .unavailable, message: "the server is shutting down"))
            let second = ExecDouble()
            second.emit("two", cursor: 8)
            second.exit(3)
            fixture.domain.guest.prepare(first, second)
            #expect(await test.run("exec", fixture.domain.machine.text, "--", "work") == 3)
            #expect(test.output.text == "one two")
            let guest = fixture.domain.guest.snapshot
            #expect(guest.attachments.first?.cursor == 7)
            #expect(guest.attachments.first?.exec_id == guest.requests.first?.exec_id)
        }
    }

    @Test func aReaderThatGoesAwayEndsTheCommand() async throws {
        try await withInstance { (test, fixture) async throws in
            let exec = ExecDouble()
            exec.emit("one of many")
            fixture.domain.guest.prepare(exec)
            var context = test.context
            context.output = OutputSink { _ throws(Errno) in throw .brokenPipe }
            let arguments = ["exec", fixture.domain.machine.text, "--", "yes"]
            #expect(await CommandLineProgram.run(arguments, context: context) == 128 + SIGPIPE)
            #expect(fixture.domain.guest.snapshot.signals == [SIGPIPE])
            #expect(test.errors.text.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aFollowedConsoleEndsWithItsReader() async throws {
        try await withInstance { (test, fixture) async throws in
            var context = test.context
            let pipe = try FileDescriptor.pipe()
            defer { try? pipe.writeEnd.close() }
            context.output = .descriptor(pipe.writeEnd.rawValue)
            async let status = CommandLineProgram.run(["logs", "-f", fixture.domain.machine.text], context: context)
            fixture.domain.console.write("one line\n", nextOffset: 9)
            let line = try await Blocking.run {
                try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { try pipe.readEnd.read(into: $0) }
            }
            #expect(line == 9)
            try pipe.readEnd.close()
            #expect(await status == 128 + SIGPIPE)
            #expect(test.errors.text.isEmpty)
        }
    }

    @Test(arguments: [(Int32(103), Int32(3)), (104, 4), (105, 5), (1, 1)])
    func aCopyThatFailsSaysSoOnce(_ script: Int32, _ expected: Int32) async throws {
        try await withInstance { (test, fixture) async throws in
            let exec = ExecDouble()
            exec.emit("tar: a warning\nerror: no such", on: .stderr)
            exec.emit(" file: /none\n", on: .stderr, cursor: 2)
            exec.exit(script)
            fixture.domain.guest.prepare(exec)
            let id = fixture.domain.machine.text
            #expect(await test.run("copy", "\(id):/none", "here") == expected)
            let expectedText = "tar: a warning\nerror: the copy failed in VM '\(id)': no such file: /none\n"
            #expect(test.errors.text == expectedText)
        }
    }

    @Test func outputThatCannotBeWrittenIsAnError() async throws {
        try await withInstance { (test, fixture) async throws in
            let exec = ExecDouble()
            exec.emit("out")
            fixture.domain.guest.prepare(exec)
            var context = test.context
            context.output = OutputSink { _ throws(Errno) in throw .noSpace }
            let arguments = ["exec", fixture.domain.machine.text, "--", "report"]
            #expect(await CommandLineProgram.run(arguments, context: context) == 1)
            #expect(test.errors.text == "error: cannot write to stdout: No space left on device\n")
        }
    }

    @Test func otherFailuresAreReported() async throws {
        try await withInstance { (test, fixture) async throws in
            let exec = ExecDouble()
            exec.emit(.error(code: .timedOut, message: "the command ran longer than 5 seconds"))
            fixture.domain.guest.prepare(exec)
            #expect(await test.run("exec", fixture.domain.machine.text, "--", "sleep 9") == 6)
            #expect(test.errors.text == "error: the command ran longer than 5 seconds\n")
        }
    }
}
