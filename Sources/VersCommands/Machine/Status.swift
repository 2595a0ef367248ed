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

    @Argument(help: "A VM: alias, id or the first characters of it; all when absent.")
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
                    "\(head)\n\n\(Self.table(entries, for: context.outputStream))"
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

    static func table(_ entries: [Entry], for stream: TerminalStream) -> String {
        guard !entries.isEmpty else { return "No VMs found." }
        var table = Table([
            .init("VM ID", minimumWidth: 36), .init("STATE", minimumWidth: 8), .init("CREATED", minimumWidth: 20),
            .init("ALIAS"),
        ])
        for entry in entries {
            table.append([
                StyledText(entry.summary.vm_id.text),
                StyledText(entry.summary.state.rawValue, entry.summary.state.style),
                StyledText(Timestamp.short(entry.summary.created_at)),
                StyledText(entry.alias ?? "", .cyan),
            ])
        }
        return table.rendered(for: stream)
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
