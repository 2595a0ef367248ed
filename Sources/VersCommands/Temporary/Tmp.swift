import ArgumentParser
import Foundation
import TerminalUI
import VersAPI
import VersClient

/// `vers tmp`: a VM for the time of one shell.
struct Tmp: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tmp",
        abstract: "Open a shell, or run a command, in a new VM that is deleted afterwards.",
        discussion: """
            The VM goes when the shell ends, on Ctrl-C, and also when this command is killed. It is kept, and named, \
            when it has children by then. What an option does not say comes from vers.toml, as with 'vers run'. HEAD \
            stays where it is. The shell's or the command's exit code becomes ours.

            EXAMPLES
              vers tmp
              vers tmp --from golden
              vers tmp --rootfs tiny --mem-size 128 -- uname -a
              vers tmp -i -- python3 - < script.py
            """
    )

    @OptionGroup var machine: MachineOptions
    @Option(
        name: .long,
        help: ArgumentHelp("Start from a commit: a tag, repo:tag, or an id.", valueName: "commit")
    )
    var from: String?
    @Flag(name: .shortAndLong, help: "Pass stdin on to the command.")
    var interactive = false
    @OptionGroup var common: CommonOptions
    @Argument(parsing: .postTerminator, help: ArgumentHelp("A command in place of a shell.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        try machine.check()
        guard !interactive || !command.isEmpty else {
            throw VersError(.invalidArgument, "--interactive goes with a command: a shell has stdin anyway")
        }
    }

    func run() async throws {
        let context = common.context
        guard !command.isEmpty || isatty(STDIN_FILENO) == 1 else { throw LoginShell.noTerminal }
        let configuration = try machine.configuration(over: ProjectFile.read(context), context: context)
        let code = try await context.withSession { session in
            var source = TemporaryMachine.Source.image(configuration)
            if let from { source = .commit(try await session.resolver.commit(from)) }
            return try await TemporaryMachine(session: session, source: source).during { id in
                guard command.isEmpty else { return try await execute(on: id, session: session) }
                context.note("Connected to temporary VM '\(id)'; leave with 'exit' or Ctrl-D")
                return try await LoginShell(session: session, forwardedSignals: [SIGINT, SIGQUIT]).run(on: id)
            }
        }
        throw ExitCode(code)
    }

    private func execute(on id: MachineID, session: Session) async throws -> Int32 {
        let exec = ExecSession(
            session: session,
            machine: id,
            request: ExecRequest(
                command: ShellCommand.arguments(for: command),
                keep_stdin_open: interactive
            ),
            forwardedSignals: [SIGINT, SIGQUIT]
        )
        return try await exec.run()
    }
}
