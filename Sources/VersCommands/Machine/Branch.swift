import ArgumentParser
import VersAPI
import VersClient

/// `vers branch`: new VMs from a running VM or a commit.
struct Branch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Branch a VM, or a commit, into new VMs.",
        discussion: """
            The source pauses for some milliseconds and runs on; in each new VM every process goes on where the \
            source's was. Several VMs of one call share one snapshot. HEAD stays where it is unless --checkout.

            A branch of a VM is in its network. A VM from a commit may be given another one, see 'vers run-commit'.

            EXAMPLES
              vers branch                       branch HEAD
              vers branch web -n experiment     branch web and name the child
              vers branch web -c                branch web and make the child HEAD
              vers branch 5e0a1c2b --count 10   ten VMs from a VM or a commit
              vers branch golden                a VM from the commit that a tag names
              vers branch --ref images:v1       the same with a repository's tag
            """
    )

    @Argument(
        help: "A VM (alias, id or the first characters of it) or a commit (tag, repo:tag, id); HEAD when absent.",
        completion: .machinesOrCommits
    )
    var source: String?
    @OptionGroup var reference: ReferenceOption
    @Option(name: [.customShort("n"), .customLong("alias")], help: "A name for the new VM.")
    var alias: String?
    @Flag(name: .shortAndLong, help: "Make the (first) new VM HEAD.")
    var checkout = false
    @Option(name: .long, parsing: .unconditional, help: ArgumentHelp("How many VMs to make.", valueName: "n"))
    var count = 1
    @OptionGroup var network: NetworkOptions
    @Flag(name: .long, help: "Wait until the VMs are running; that is what happens without it, too.")
    var wait = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var from_id: String
        var from_name: String
        var new_ids: [MachineID]
        var new_alias: String?
        var checkout_done: Bool
        var used_head: Bool
    }

    func validate() throws {
        try alias.map(AliasName.validate)
        guard count >= 1 else {
            throw VersError(.invalidArgument, "invalid --count '\(count)': expected a number above 0")
        }
        guard alias == nil || count == 1 else {
            throw VersError(.invalidArgument, "--alias names one VM, but --count is \(count)")
        }
        try network.check()
        guard network.configuration(over: nil) == nil || count == 1 else {
            throw VersError(.invalidArgument, "--network is for one VM, but --count is \(count)")
        }
        guard source == nil || [nil, ReferenceOption.withoutValue].contains(reference.ref) else {
            throw VersError(.invalidArgument, "both a source and --ref given")
        }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let target = try await resolve(session)
            let name = target.machine.map(session.name) ?? target.text
            if !quiet.quiet, format.format == nil {
                context.note("Creating \(counted(count, "new VM")) from \(name)...")
            }
            let ids = try await context.serverWork("branching \(name)") { try await make(from: target, session) }
            guard ids.count == count, let first = ids.first else {
                throw VersError(.internal, "asked for \(counted(count, "VM")), but the server made \(ids.count)")
            }
            try await context.afterMaking(ids) {
                if let alias {
                    try context.setAlias(alias, to: first)
                    try await NetworkName.publish(alias, of: first, session)
                }
                if checkout { try HeadFile(context).write(first) }
            }
            let result = Result(
                from_id: target.text,
                from_name: name,
                new_ids: ids,
                new_alias: alias,
                checkout_done: checkout,
                used_head: source == nil && reference.ref == nil
            )
            try Rendering(json: result, ids: ids.map(\.text)) { text(of: result) }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private func resolve(_ session: Session) async throws -> Target {
        if let commit = try await reference.resolve(session, of: source) { return .commit(commit) }
        let target = try await session.resolver.target(source)
        guard let id = target.machine, network.configuration(over: nil) != nil else { return target }
        throw VersError(
            .invalidArgument,
            "a branch of vm \(id) is in its network: --network is for VMs from a commit",
            hint: "commit the VM and start one from that: vers commit, vers run-commit <commit> --network bridge"
        )
    }

    private func make(from target: Target, _ session: Session) async throws -> [MachineID] {
        switch target {
        case .machine(let id): return try await session.client.branch(id, count: count)
        case .commit(let id):
            guard let network = network.configuration(over: nil) else {
                return try await session.client.branch(id, count: count)
            }
            return [try await session.client.createMachine(from: id, network: network)]
        }
    }

    private func text(of result: Result) -> String {
        var lines: [String] = []
        if result.new_ids.count == 1 {
            lines = ["New VM created successfully", "VM ID: \(result.new_ids[0])"]
        } else {
            lines = ["\(result.new_ids.count) new VMs created successfully"] + result.new_ids.map(\.text)
        }
        if let alias = result.new_alias { lines.append("Alias: \(alias)") }
        if result.checkout_done { lines.append("HEAD is now \(result.new_ids[0])") }
        return lines.joined(separator: "\n")
    }
}
