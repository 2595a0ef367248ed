import ArgumentParser
import Foundation
import TerminalUI
import VersAPI
import VersClient

/// `vers tree`: how VMs and commits descend from each other.
struct Tree: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the tree of VMs and commits.",
        discussion: """
            A commit stands under the VM it was taken from, a VM under the commit or VM it came from. Each VM is \
            shown with its alias, id, state, size and age. Colour and line drawing on a terminal (NO_COLOR switches \
            colour off), plain ASCII elsewhere.

            EXAMPLES
              vers tree
              vers tree web
            """
    )

    @Argument(help: "Show only what descends from this VM or commit.", completion: .machinesOrCommits)
    var root: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    /// A node of the tree, for programs.
    struct Entry: Encodable {
        var type: String
        var id: String
        var alias: String?
        var name: String?
        var state: MachineState?
        var mem_size_mib: Int?
        var vcpu_count: Int?
        var fs_size_mib: Int?
        var created_at: Date
        /// The node this one stands under.
        var parent: String?
        var depth: Int
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            async let machines = session.client.machines()
            async let commits = session.client.allCommits()
            let forest = Forest(machines: try await machines, commits: try await commits)
            var roots = forest.roots
            if let root {
                let target = try await session.resolver.target(root)
                guard let node = forest.subtree(of: target) else {
                    throw VersError(.notFound, "VM or commit '\(target.text)' not found", hint: "see 'vers tree'")
                }
                roots = [node]
            }
            let aliases = try AliasFile(context).namesByMachine()
            let entries = Self.entries(of: roots, aliases: aliases)
            let machineIDs = entries.filter { $0.type == "vm" }.map(\.id)
            let head = try? HeadFile(context).read()
            try Rendering(json: entries, ids: machineIDs) {
                guard !entries.isEmpty else { return "No VMs found." }
                let nodes = ForestDrawing(aliases: aliases, head: head, now: Date()).nodes(of: roots)
                return TreeDrawing(for: context.outputStream).draw(nodes)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    /// The nodes in the order they are drawn.
    static func entries(of roots: [Forest.Node], aliases: [MachineID: [String]]) -> [Entry] {
        var result: [Entry] = []
        var pending = roots.reversed().map { (node: $0, parent: String?.none, depth: 0) }
        while let (node, parent, depth) = pending.popLast() {
            result.append(entry(of: node.item, parent: parent, depth: depth, aliases: aliases))
            let id = node.item.target.text
            pending += node.children.reversed().map { (node: $0, parent: id, depth: depth + 1) }
        }
        return result
    }

    private static func entry(
        of item: Forest.Node.Item,
        parent: String?,
        depth: Int,
        aliases: [MachineID: [String]]
    ) -> Entry {
        switch item {
        case .machine(let vm):
            Entry(
                type: "vm",
                id: vm.vm_id.text,
                alias: aliases[vm.vm_id]?.first,
                state: vm.state,
                mem_size_mib: vm.mem_size_mib,
                vcpu_count: vm.vcpu_count,
                fs_size_mib: vm.fs_size_mib,
                created_at: vm.created_at,
                parent: parent,
                depth: depth
            )
        case .commit(let commit):
            Entry(
                type: "commit",
                id: commit.commit_id.text,
                name: commit.name,
                created_at: commit.created_at,
                parent: parent,
                depth: depth
            )
        }
    }
}
