import ArgumentParser
import Foundation
import TerminalUI
import VersAPI
import VersClient

/// `vers execute`: one command in a VM.
struct Execute: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a command in a VM; its exit code becomes ours.",
        discussion: """
            Options come first, then the VM (HEAD when absent), then the command. One word is a line for the shell, \
            so that pipes and quotes in it work; several words are a command and its arguments, passed on as they \
            are. The shell is bash, or sh in an image without bash. The VM may be given as alias, id, or the first \
            characters of its id; '--' before the command makes clear where it starts.

            Output is streamed. INT, TERM, HUP and QUIT are passed on to the command. When the connection is lost, \
            the command runs on and is attached to again. When nobody takes its output any more, it gets a SIGPIPE.

            --ssh runs the command by SSH instead, as the VM's SSH server starts it.

            EXAMPLES
              vers execute -- uptime
              vers execute web -- ls -la /srv
              vers execute web 'ps aux | grep python'
              echo data | vers execute -i web -- sh -c 'cat > /tmp/data'
              vers execute --tty web -- top
              vers execute -w /srv -e MODE=test -t 60 web -- make check
            """,
        aliases: ["exec"]
    )

    @Flag(name: .shortAndLong, help: "Pass stdin on to the command.")
    var interactive = false
    @Flag(name: [.customShort("T"), .customLong("tty")], help: "Run on a pseudo-terminal; implies --interactive.")
    var tty = false
    @Option(name: .shortAndLong, help: ArgumentHelp("Directory to run in.", valueName: "directory"))
    var workdir: String?
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("Set KEY, or pass on our own; may be repeated.", valueName: "key[=value]")
    )
    var env: [String] = []
    @Option(
        name: .shortAndLong,
        help: ArgumentHelp(
            "End the command after so many seconds, with exit code 124; 0 means never.",
            valueName: "seconds"
        )
    )
    var timeout: UInt64 = 0
    @Flag(name: .long, help: "Run the command by SSH, not through the VM's agent.")
    var ssh = false
    @OptionGroup var common: CommonOptions
    @Argument(
        parsing: .captureForPassthrough,
        help: ArgumentHelp("The VM and the command.", valueName: "[vm] [--] command..."),
        completion: .machines
    )
    var words: [String] = []

    func run() async throws {
        let context = common.context
        if words.first == "--help" || words.first == "-h" { throw CleanExit.helpRequest(self) }
        let aliases = try AliasFile(context).read()
        let reading = try ExecuteTarget.read(words) { aliases[$0] != nil || MachineID($0) != nil }
        let request = ExecRequest(
            command: [],
            env: try EnvironmentArgument.parse(env, own: context.environment),
            working_dir: workdir,
            timeout_secs: timeout == 0 ? nil : timeout,
            tty: try terminalSize(),
            keep_stdin_open: interactive || tty
        )
        let code = try await context.withSession { session in
            let (machine, command) = try await resolve(reading, session: session)
            var request = request
            request.command = ShellCommand.arguments(for: command)
            if ssh { return try await SSHExecution(session: session, machine: machine, request: request).run() }
            return try await run(request, on: machine, session: session)
        }
        throw ExitCode(code)
    }

    private func resolve(
        _ reading: ExecuteTarget.Reading,
        session: Session
    ) async throws -> (machine: MachineID, command: [String]) {
        switch reading {
        case .settled(let target):
            return (try await session.resolver.machine(target.machine), target.command)
        case .undecided:
            let ids = try await session.client.machines().map(\.vm_id)
            guard ids.contains(where: { $0.text.hasPrefix(words[0].lowercased()) }) else {
                return (try await session.resolver.machine(nil), words)
            }
            return (try Resolver.pick(words[0], among: ids, as: .machine), Array(words.dropFirst()))
        }
    }

    private func terminalSize() throws -> TerminalSize? {
        guard tty else { return nil }
        return TerminalSize(of: STDIN_FILENO) ?? TerminalSize(of: STDOUT_FILENO) ?? .standard
    }

    private func run(_ request: ExecRequest, on machine: MachineID, session: Session) async throws -> Int32 {
        // Without a terminal of our own the command still gets one, but its keys come from a file or pipe.
        let raw = tty && isatty(STDIN_FILENO) == 1 ? try RawMode.ofStandardInput() : nil
        defer { raw?.restore() }
        let exec = ExecSession(
            session: session,
            machine: machine,
            request: request,
            forwardedSignals: [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
        )
        return try await exec.run()
    }
}

extension TerminalSize {
    static let standard = TerminalSize(.standard)
}

extension RawMode {
    static func ofStandardInput() throws -> RawMode {
        do {
            return try RawMode(descriptor: STDIN_FILENO)
        } catch {
            throw VersError(.internal, "cannot set the terminal to raw mode: \(error)", cause: error)
        }
    }
}
