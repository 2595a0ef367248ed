import APITestSupport
import Foundation
import TestSupport
import Testing
import VersAPI
import VersServer

@testable import VersCommands

/// The program itself, as a person starts it.
@Suite struct BinaryTests {
    /// Beside the test bundle.
    private static var executable: URL {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appendingPathComponent("vers")
    }

    private final class Run: Sendable {
        let process = Process()
        let (ended, end) = AsyncStream.makeStream(of: Int32.self)

        /// - Parameter terminal: becomes stdin, stdout and stderr.
        init(
            _ arguments: [String],
            executable: URL = BinaryTests.executable,
            environment: [String: String],
            directory: String,
            terminal: Int32?
        ) throws {
            process.executableURL = executable
            process.arguments = arguments
            process.environment = environment
            process.currentDirectoryURL = URL(fileURLWithPath: directory)
            if let terminal {
                let handle = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
                process.standardInput = handle
                process.standardOutput = handle
                process.standardError = handle
            }
            process.terminationHandler = { [end] process in
                let signalled = process.terminationReason == .uncaughtSignal
                end.yield(signalled ? 128 + process.terminationStatus : process.terminationStatus)
                end.finish()
            }
            try process.run()
        }

        func status() async -> Int32? { await ended.first { _ in true } }
    }

    @Test(arguments: [("--version", Int32(0)), ("nonsense", 5), ("head", 3)])
    func exitStatus(_ argument: String, _ expected: Int32) async throws {
        let test = try TestContext()
        let terminal = try PseudoTerminal()
        let run = try Run(
            [argument],
            environment: ["HOME": test.root],
            directory: test.root + "/work",
            terminal: terminal.user
        )
        #expect(await run.status() == expected)
    }

    @Test(arguments: [
        // Without a stdout, a file that is written must not get its number, and with it what is printed.
        ("init >&-", Int32(0)), ("init >/dev/full", 1), ("--help >/dev/full", 1),
    ])
    func stdoutThatTakesNothing(_ line: String, _ expected: Int32) async throws {
        let test = try TestContext()
        let run = try Run(
            ["-c", "exec '\(Self.executable.path)' \(line)"],
            executable: URL(fileURLWithPath: "/bin/sh"),
            environment: ["HOME": test.root],
            directory: test.root + "/work",
            terminal: nil
        )
        #expect(await run.status() == expected)
    }

    @Test func anInterruptLeavesTheServerAtItAndSaysSo() async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            let terminal = try PseudoTerminal()
            fixture.domain.holdNextCall()
            let run = try Run(
                ["run"],
                environment: [
                    "VERS_URL": fixture.endpoints.url, "VERS_API_KEY": DomainDouble.key, "HOME": test.root,
                ],
                directory: test.root + "/work",
                terminal: terminal.user
            )
            await fixture.domain.callIsHeld()
            kill(run.process.processIdentifier, SIGINT)
            #expect(await terminal.readLine().contains("interrupted: the server goes on with it"))
            #expect(await run.status() == 128 + SIGINT)
            fixture.domain.releaseCall()
        }
    }

    /// Starts `vers execute --tty` on a terminal, and waits until its command has been asked for.
    private func withTerminalSession(
        _ body: (Run, PseudoTerminal, ServerFixture, ExecDouble) async throws -> Void
    ) async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            let terminal = try PseudoTerminal()
            let exec = ExecDouble()
            fixture.domain.guest.prepare(exec)
            // On a terminal, the Swift runtime's backtracer would ask what to show after a crash, and wait.
            let environment = [
                "VERS_URL": fixture.endpoints.url, "VERS_API_KEY": DomainDouble.key, "HOME": test.root,
                "SWIFT_BACKTRACE": "enable=no",
            ]
            let arguments = ["execute", "--tty", fixture.domain.machine.text, "--", "top"]
            let run = try Run(arguments, environment: environment, directory: test.root, terminal: terminal.user)
            exec.emit("ready\n")
            #expect(await terminal.readLine().contains("ready"))
            try await body(run, terminal, fixture, exec)
        }
    }

    @Test func theTerminalIsRawDuringASessionAndRestoredAfterIt() async throws {
        try await withTerminalSession { run, terminal, fixture, exec in
            #expect(terminal.localFlags & tcflag_t(ECHO | ICANON) == 0)
            exec.exit(9)
            #expect(await run.status() == 9)
            #expect(terminal.localFlags & tcflag_t(ECHO | ICANON) == tcflag_t(ECHO | ICANON))
        }
    }

    @Test func theTerminalIsRestoredAfterACrash() async throws {
        try await withTerminalSession { run, terminal, _, exec in
            kill(run.process.processIdentifier, SIGABRT)
            #expect(await run.status() == 128 + SIGABRT)
            #expect(terminal.localFlags & tcflag_t(ECHO | ICANON) == tcflag_t(ECHO | ICANON))
            exec.exit(0)
        }
    }

    @Test func signalsGoToTheCommand() async throws {
        try await withTerminalSession { run, _, fixture, exec in
            kill(run.process.processIdentifier, SIGTERM)
            // The command's end is what the test waits for next, so the signal must be seen before it.
            let deadline = ContinuousClock.now + .seconds(20)
            while fixture.domain.guest.snapshot.signals.isEmpty, .now < deadline { await Task.yield() }
            #expect(fixture.domain.guest.snapshot.signals == [SIGTERM])
            exec.exit(143)
            #expect(await run.status() == 143)
        }
    }
}

extension PseudoTerminal {
    /// What arrives up to a line feed.
    fileprivate func readLine() async -> String {
        let controller = controller
        return await Blocking.run {
            var bytes: [UInt8] = []
            var byte: UInt8 = 0
            while read(controller, &byte, 1) == 1 {
                bytes.append(byte)
                if byte == UInt8(ascii: "\n") { break }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}
