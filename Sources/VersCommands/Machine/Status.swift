import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers status`: every VM, or one.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List VMs, or show the state of one.",
        discussion: """
            EXAMPLES
              vers status
              vers status web
              for vm in $(vers status -q); do vers execute "$vm" -- uptime; done
            """,
        aliases: ["ps", "list"]
    )

    @Argument(help: "A VM: alias, id or the first characters of it; all when absent.", completion: .machines)
    var vm: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    /// A VM with the name this user gave it.
    struct Entry: Encodable {
        private enum Key: CodingKey {
            case alias
        }

        var summary: MachineSummary
        var alias: String?

        func encode(to encoder: any Encoder) throws {
            try summary.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encodeIfPresent(alias, forKey: .alias)
        }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let names = try AliasFile(context).namesByMachine()
            guard let vm else {
                let entries = try await session.client.machines().map {
                    Entry(summary: $0, alias: names[$0.vm_id]?.first)
                }
                let head = quiet.quiet || format.format != nil ? "" : try Self.headLine(context)
                return try Rendering(json: entries, ids: entries.map(\.summary.vm_id.text)) {
                    "\(head)\n\n\(Self.listing.text(of: entries, for: context.outputStream))"
                }.write(to: context, format: format.format, quiet: quiet.quiet)
            }
            let id = try await session.resolver.machine(vm)
            let summary = try await session.client.machine(id)
            let entry = Entry(summary: summary, alias: names[id]?.first)
            try Rendering(json: entry, ids: [id.text]) { Self.text(of: entry) }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    static func headLine(_ context: CommandContext) throws -> String {
        let file = HeadFile(context)
        if let id = try file.read() { return "HEAD: \(id)" }
        return try file.exists()
            ? "HEAD: not set (choose a VM with 'vers checkout <vm>')"
            : "HEAD: none in this directory (made by 'vers run' or 'vers init')"
    }

    private static var listing: Listing<Entry> {
        Listing(
            none: "No VMs found.",
            [
                .init("VM ID", width: 36) { $0.summary.vm_id.text },
                .init("STATE", width: 8, style: { $0.summary.state.style }) { $0.summary.state.rawValue },
                .init("CREATED", width: 20) { Timestamp.short($0.summary.created_at) },
                .init("ALIAS", style: .cyan) { $0.alias ?? "" },
            ]
        )
    }

    private static func text(of entry: Entry) -> String {
        var lines = ["VM ID: \(entry.summary.vm_id)"]
        if let alias = entry.alias { lines.append("Alias: \(alias)") }
        let reason = entry.summary.state_reason.map { " (\($0.withoutControlCharacters))" } ?? ""
        lines.append("State: \(entry.summary.state.rawValue)\(reason)")
        lines.append("Owner: \(entry.summary.owner_id)")
        lines.append("Created: \(Timestamp.short(entry.summary.created_at))")
        return lines.joined(separator: "\n")
    }
}
