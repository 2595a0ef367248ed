import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// One use of the user's OpenSSH client on a VM, taken up again when the connection is lost.
struct SSHSession {
    /// What ssh exits with for reasons of its own, and a remote command may, too.
    private static let ownFailure: Int32 = 255

    let session: Session
    let machine: MachineID
    /// Whether to begin again; what has effects of its own is not run twice.
    var reconnects = false

    /// - Parameters:
    ///   - options: more options of ssh.
    ///   - command: what the VM's shell is to run; nil for a login shell, or for none with `-N`.
    /// - Returns: the exit status of what ran in the VM.
    func run(options: [String] = [], command: String? = nil) async throws -> Int32 {
        let client = try SSHClient.find(session.context)
        let report = try ConnectionReport()
        defer { report.remove() }
        var delays = Reconnection.delays[...]
        while true {
            report.clear()
            let status = try await attempt(client, options: options, command: command, report: report)
            let wasReached = report.has(.session)
            guard status == Self.ownFailure else { return status }
            guard reconnects, wasReached ? report.has(.lost) : delays.count < Reconnection.delays.count else {
                try checkReached(wasReached)
                return status
            }
            if wasReached { delays = Reconnection.delays[...] }
            // ssh has taken signals until now, and nobody else would.
            delays = try await Interruption.ending { [delays] in try await waitAndWake(delays) }
        }
    }

    private func attempt(
        _ client: SSHClient,
        options: [String],
        command: String?,
        report: ConnectionReport
    ) async throws -> Int32 {
        let files = try await SSHKeyFiles(session.context).prepare(machine, client: session.client)
        let ssh = try SSHOptions(machine: machine, files: files, context: session.context)
        let note = ": >\(ShellCommand.quoted(report.path(of: .session)))".replacing("%", with: "%%")
        let words =
            options + ssh.arguments
            + ["-o", "LogLevel=ERROR", "-o", "PermitLocalCommand=yes", "-o", "LocalCommand=\(note)"] + [
                "root@\(machine)"
            ] + (command.map { ["--", $0] } ?? [])
        var environment = session.context.environment
        environment[ConnectionReport.variable] = report.directory
        let process = ForegroundProcess(
            program: client.program,
            arguments: words,
            environment: environment
        )
        return try await process.run()
    }

    /// ssh has said why on stderr; this says how to go on.
    private func checkReached(_ wasReached: Bool) throws {
        guard !wasReached else { return }
        throw VersError(
            .unavailable,
            "no SSH session on VM '\(session.name(of: machine))'",
            hint: "'vers connect --agent' and 'vers execute' need no SSH server"
        )
    }

    /// - Returns: the delays that are left.
    private func waitAndWake(_ delays: ArraySlice<Duration>) async throws -> ArraySlice<Duration> {
        let name = session.name(of: machine)
        var delays = delays
        while true {
            guard let delay = delays.popFirst() else {
                throw VersError(.unavailable, "the connection to VM '\(name)' was lost")
            }
            session.context.note("Connection to VM '\(name)' lost; connecting again in \(delay.components.seconds) s")
            try await Task.sleep(for: delay)
            do {
                try await MachineWaker(session: session).wake(machine)
                return delays
            } catch let error as VersError where [.unavailable, .unreachable, .timedOut].contains(error.code) {
                session.context.debug("not yet: \(error.message)")
            }
        }
    }
}

/// Lets a VM run that is to be entered.
struct MachineWaker {
    let session: Session

    /// Resumes a paused or sleeping VM. A booting one is waited for by whoever enters it.
    /// - Throws: `.conflict` for a VM that does not run and does not by being resumed.
    func wake(_ id: MachineID) async throws {
        let name = session.name(of: id)
        let summary = try await session.client.machine(id)
        switch summary.state {
        case .running, .booting: return
        case .paused, .sleeping:
            try await session.context.progress("resuming \(name)") {
                try await session.client.setState(of: id, to: .running)
            }
        case .stopped, .dead:
            let reason = summary.state_reason.map { ": \($0)" } ?? ""
            throw VersError(
                .conflict,
                "VM '\(name)' is \(summary.state.rawValue)\(reason)",
                hint: "boot it from its disk with 'vers start \(name)'"
            )
        }
    }
}
