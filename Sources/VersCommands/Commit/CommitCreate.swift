import ArgumentParser
import VersAPI
import VersClient

/// `vers commit create`.
struct CommitCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Keep a VM's whole state; the VM runs on.",
        discussion: """
            EXAMPLES
              vers commit create
              vers commit create web -n before-migration -d "schema 41, data of May"
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Option(name: .shortAndLong, help: "A name for the commit; made up when absent.")
    var name: String?
    @Option(name: .shortAndLong, help: "What it is.")
    var description: String?
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var commit_id: CommitID
        var vm_id: MachineID
        var used_head: Bool
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let request = CommitRequest(name: name, description: description)
            let vmName = session.name(of: id)
            let commit = try await context.serverWork("committing \(vmName)") {
                try await session.client.commit(id, request)
            }
            let result = Result(commit_id: commit, vm_id: id, used_head: vm == nil)
            try Rendering(json: result, ids: [commit.text]) {
                "\u{2713} VM '\(vmName)' committed successfully\nCommit ID: \(commit)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
