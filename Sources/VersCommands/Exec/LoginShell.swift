import Foundation
import TerminalUI
import VersAPI

/// A login shell in a VM, on the terminal that this process has.
struct LoginShell: Sendable {
    let session: Session
    /// Passed on to the shell instead of ending this process.
    let forwardedSignals: [Int32]

    static var noTerminal: VersError {
        VersError(
            .invalidArgument,
            "stdin is not a terminal",
            hint: "to run commands from a script, use 'vers execute -i <vm> -- bash'"
        )
    }

    /// - Returns: the shell's exit code.
    func run(on id: MachineID) async throws -> Int32 {
        let terminal = session.context.environment["TERM"].flatMap { $0.isEmpty ? nil : $0 } ?? "xterm-256color"
        let request = ExecRequest(
            command: ShellCommand.login,
            env: ["TERM": terminal],
            tty: TerminalSize(of: STDIN_FILENO) ?? .standard,
            keep_stdin_open: true
        )
        let raw = try RawMode.ofStandardInput()
        defer { raw.restore() }
        let exec = ExecSession(
            session: session,
            machine: id,
            request: request,
            forwardedSignals: forwardedSignals
        )
        return try await exec.run()
    }
}
