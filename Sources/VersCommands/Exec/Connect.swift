import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers connect`: a shell in a VM.
struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a root shell in a VM.",
        discussion: """
            The shell runs on a terminal that follows the size of yours. A paused or sleeping VM is resumed first. \
            The shell's exit code becomes ours. Use 'vers execute -i' where there is no terminal.

            EXAMPLES
              vers connect
              vers connect web
            """
    )

    @Argument(help: "A VM: alias, id or the first characters of it; HEAD when absent.")
    var vm: String?
    @Option(name: .long, help: .hidden)
    var host: String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        guard isatty(STDIN_FILENO) == 1 else { throw LoginShell.noTerminal }
        let code = try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let name = session.name(of: id)
            try await wake(id, name: name, session: session)
            context.note("Connected to VM '\(name)'; leave with 'exit' or Ctrl-D")
            let code = try await LoginShell(session: session, forwardedSignals: [SIGINT, SIGTERM, SIGHUP, SIGQUIT])
                .run(on: id)
            context.note("Connection to VM '\(name)' closed")
            return code
        }
        throw ExitCode(code)
    }

    private func wake(_ id: MachineID, name: String, session: Session) async throws {
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
