import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers commit history`.
struct CommitHistory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Show a commit and what it descends from.",
        discussion: """
            EXAMPLES
              vers commit history 5e0a1c2b
              vers commit history golden
            """
    )

    @OptionGroup var commit: CommitArgument
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await commit.resolve(session)
            let entries = try await session.client.history(of: id)
            try Rendering(json: entries, ids: entries.map(\.id.text)) {
                Self.text(of: entries, id: id, unicode: context.outputStream.showsUnicode)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    static func text(of entries: [CommitEntity], id: CommitID, unicode: Bool) -> String {
        var lines = ["Commit History of \(id)"]
        for (index, entry) in entries.enumerated() {
            let isLast = index == entries.count - 1
            let connector = unicode ? (isLast ? "\u{2514}\u{2500}" : "\u{251C}\u{2500}") : (isLast ? "`-" : "|-")
            let indent = isLast ? "   " : unicode ? "\u{2502}  " : "|  "
            lines.append("\(connector) \(entry.name.isEmpty ? entry.id.text : entry.name.withoutControlCharacters)")
            lines.append("\(indent)ID: \(entry.id)")
            lines.append("\(indent)Created: \(Timestamp.short(entry.created_at))")
            if let description = entry.description, !description.isEmpty {
                lines.append("\(indent)Desc: \(description.withoutControlCharacters)")
            }
        }
        return lines.joined(separator: "\n")
    }
}
