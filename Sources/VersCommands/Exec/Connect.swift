import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers connect`: a shell in a VM.
struct Connect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Open a root shell in a VM.",
        discussion: """
            The shell is one of SSH through the server's front door, with the VM's own key; the VM must show the key \
            that the server knows. A paused or sleeping VM is resumed first, a booting one waited for. When the \
            connection drops, a new shell is opened as soon as that works. The shell's exit code becomes ours. Use \
            'vers execute -i' where there is no terminal.

            --agent opens the shell through the VM's agent: without SSH, and without ssh on this machine.

            -A lets programs in the VM sign with the keys of this machine's ssh-agent, for as long as the shell lasts, \
            so that 'git clone' works in it. Whoever is root in the VM can use them, too; they cannot be read.

            EXAMPLES
              vers connect
              vers connect web
              vers connect -A web
              vers connect --agent web
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Flag(name: .long, help: "Open the shell through the VM's agent, not by SSH.")
    var agent = false
    @Flag(name: [.customShort("A"), .long], help: "Forward this machine's ssh-agent into the VM.")
    var forwardAgent = false
    @Option(name: .long, help: .hidden)
    var host: String?
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !(agent && forwardAgent) else {
            throw ValidationError("--forward-agent needs SSH, and --agent does without it")
        }
    }

    func run() async throws {
        let context = common.context
        try checkForwarding(context)
        guard isatty(STDIN_FILENO) == 1 else { throw LoginShell.noTerminal }
        let code = try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let name = session.name(of: id)
            try await MachineWaker(session: session).wake(id)
            let usesAgent = agent || !hasSSH(context)
            context.note("Connected to VM '\(name)'; leave with 'exit' or Ctrl-D")
            let code =
                usesAgent
                ? try await LoginShell(session: session, forwardedSignals: [SIGINT, SIGTERM, SIGHUP, SIGQUIT]).run(
                    on: id
                )
                : try await SSHSession(session: session, machine: id, reconnects: true).run(options: sshOptions)
            context.note("Connection to VM '\(name)' closed")
            return code
        }
        throw ExitCode(code)
    }

    private var sshOptions: [String] { ["-t"] + (forwardAgent ? ["-A"] : []) }

    private func checkForwarding(_ context: CommandContext) throws {
        guard forwardAgent else { return }
        // Not left to ssh, which forwards nothing without a word.
        guard let socket = context.environment["SSH_AUTH_SOCK"], !socket.isEmpty else {
            throw VersError(
                .invalidArgument,
                "there is no ssh-agent to forward: SSH_AUTH_SOCK is not set",
                hint: "start one with: eval $(ssh-agent) && ssh-add"
            )
        }
        _ = try SSHClient.find(context)
    }

    private func hasSSH(_ context: CommandContext) -> Bool {
        do {
            _ = try SSHClient.find(context)
            return true
        } catch {
            if !agent {
                context.note("There is no ssh on this machine: using the VM's agent (apt-get install openssh-client)")
            }
            return false
        }
    }
}
