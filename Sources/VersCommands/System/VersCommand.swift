import ArgumentParser
import VersAPI

/// `vers`: every command.
struct VersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vers",
        abstract: "Linux virtual machines that branch while they run.",
        discussion: """
            A VM is named by its alias, its id, or the first 4 or more characters of its id; without one, commands \
            act on HEAD, the VM of this directory.

            EXAMPLES
              vers run -N web
              vers execute web -- uptime
              vers branch web -n experiment
              vers tree

            EXIT STATUS
              0 success; 1 failure; 2 authentication; 3 not found; 4 conflict; 5 bad arguments; 6 timeout; \
            7 cancelled. 'execute' and 'connect' exit with the remote command's code.
            """,
        version: ProductVersion.text,
        subcommands: [GenerateDocs.self, TmpGuard.self, SSHProxy.self],
        groupedSubcommands: [
            CommandGroup(
                name: "VM",
                subcommands: [
                    Run.self, RunCommit.self, Branch.self, Tmp.self, Tree.self, Status.self, Info.self, Delete.self,
                ]
            ),
            CommandGroup(name: "Commit", subcommands: [Commit.self, Tag.self, Repo.self]),
            CommandGroup(name: "Image", subcommands: [Image.self]),
            CommandGroup(name: "Settings", subcommands: [Env.self, Label.self, DomainCommand.self, Network.self]),
            CommandGroup(name: "Inside a VM", subcommands: [Execute.self, Connect.self, Copy.self, Logs.self]),
            CommandGroup(
                name: "From outside",
                subcommands: [Open.self, Tunnel.self, SSHConfig.self, Expose.self, Trust.self]
            ),
            CommandGroup(
                name: "State",
                subcommands: [Pause.self, Resume.self, Stop.self, Start.self, Wake.self, Resize.self]
            ),
            CommandGroup(name: "Project", subcommands: [Init.self, Head.self, Checkout.self, Alias.self]),
            CommandGroup(
                name: "Instance",
                subcommands: [
                    Up.self, Down.self, Doctor.self, Completion.self,
                ]
            ),
            CommandGroup(
                name: "Account",
                subcommands: [
                    Login.self, Logout.self, Signup.self, WhoAmI.self, Key.self, Organisation.self, Registration.self,
                ]
            ),
        ]
    )
}

extension ParsableCommand {
    /// Its commands that are not hidden, in the order of its help.
    static var visibleSubcommands: [any ParsableCommand.Type] {
        let all = configuration.groupedSubcommands.flatMap(\.subcommands) + configuration.ungroupedSubcommands
        return all.filter { $0.configuration.shouldDisplay }
    }
}
