import Foundation
import VersAPI
import VersClient

/// One command by SSH: what `vers execute --ssh` does.
struct SSHExecution {
    /// As the agent has it, and `timeout(1)`.
    private static let timedOutStatus: Int32 = 124

    let session: Session
    let machine: MachineID
    let request: ExecRequest

    /// - Returns: the command's exit code; 124 when it took too long, in which case it was left.
    func run() async throws -> Int32 {
        try await MachineWaker(session: session).wake(machine)
        let ssh = SSHSession(session: session, machine: machine)
        let options = [request.tty == nil ? "-T" : "-tt"] + (request.keep_stdin_open == true ? [] : ["-n"])
        let line = Self.line(for: request)
        guard let seconds = request.timeout_secs else { return try await ssh.run(options: options, command: line) }
        return try await withThrowingTaskGroup(of: Int32.self) { group in
            group.addTask { try await ssh.run(options: options, command: line) }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                return Self.timedOutStatus
            }
            defer { group.cancelAll() }
            guard let status = try await group.next() else { throw CancellationError() }
            return status
        }
    }

    /// A line for whatever shell the VM's root has.
    static func line(for request: ExecRequest) -> String {
        let variables = (request.env ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        let words = (variables.isEmpty ? [] : ["env"] + variables) + request.command
        let command = words.map(ShellCommand.quoted).joined(separator: " ")
        guard let directory = request.working_dir else { return command }
        return "cd -- \(ShellCommand.quoted(directory)) && \(command)"
    }
}
