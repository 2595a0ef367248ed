import ArgumentParser
import VersAPI
import VersClient

/// `vers run-commit`: a new VM in the state of a commit.
struct RunCommit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run-commit",
        abstract: "Start a new VM from a commit and make it HEAD.",
        discussion: """
            The VM goes on exactly where the commit was taken: memory, processes and disk. Any number of VMs may be \
            started from one commit. Returns when the VM is running and answers.

            Without --network it is connected as the VM was that the commit was taken from. --network bridge is the \
            private network of the commit's tree, or a new one when the commit has none.

            EXAMPLES
              vers run-commit 5e0a1c2b
              vers run-commit golden
              vers run-commit --ref images:v1
              vers run-commit golden --network bridge --allow deb.debian.org:80
              vers run-commit 5e0a1c2b-7d1e-4c55-9d0b-2f6f3a1f9a10 -N retry
            """
    )

    @OptionGroup var commit: CommitArgument
    @OptionGroup var network: NetworkOptions
    @Option(name: [.customShort("N"), .customLong("vm-alias"), .customLong("alias")], help: "A name for the VM.")
    var alias: String?
    @Flag(name: .long, help: "Let connections wake the VM when it is paused or asleep.")
    var wakeOnTraffic = false
    @OptionGroup var idleTimeout: IdleTimeoutOptions
    @Flag(name: .long, help: "Wait until the VM is running; that is what happens without it, too.")
    var wait = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var alias: String?
        var head: MachineID
        var commit_key: CommitID
    }

    func validate() throws {
        try alias.map(AliasName.validate)
        try network.check()
        try idleTimeout.check(wakesOnTraffic: wakeOnTraffic)
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let source = try await commit.resolve(session)
            let id = try await context.serverWork("starting a VM from commit \(source)") {
                try await session.client.createMachine(from: source, network: network.configuration(over: nil))
            }
            try await context.afterMaking([id]) {
                if wakeOnTraffic {
                    try await session.client.setWakesOnTraffic(true, idleTimeoutSeconds: idleTimeout.seconds, of: id)
                }
                if let alias {
                    try context.setAlias(alias, to: id)
                    try await NetworkName.publish(alias, of: id, session)
                }
                try HeadFile(context).write(id)
            }
            let result = Result(vm_id: id, alias: alias, head: id, commit_key: source)
            try Rendering(json: result, ids: [id.text]) {
                let name = alias.map { "\nAlias: \($0)" } ?? ""
                return "VM '\(id)' started successfully from commit \(source).\(name)\nHEAD is now \(id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
