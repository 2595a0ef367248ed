import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers commit list`.
struct CommitList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List commits, the newest first.",
        discussion: """
            EXAMPLES
              vers commit list
              vers commit list -q
              vers commit list --public
            """,
        aliases: ["ls"]
    )

    @Flag(name: .long, help: "List public commits of every organisation.")
    var `public` = false
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let commits =
                self.public ? try await session.client.allPublicCommits() : try await session.client.allCommits()
            try Rendering(json: commits, ids: commits.map(\.commit_id.text)) {
                Self.text(of: commits, isPublic: self.public, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    static func text(of commits: [CommitInfo], isPublic: Bool, for stream: TerminalStream) -> String {
        let title = isPublic ? "Public commits" : "Commits"
        guard !commits.isEmpty else { return "No commits found." }
        var table = Table([
            .init("COMMIT ID", minimumWidth: 36), .init("NAME", minimumWidth: 18), .init("PUBLIC", minimumWidth: 6),
            .init("CREATED"),
        ])
        for commit in commits {
            table.append([
                StyledText(commit.commit_id.text),
                StyledText(commit.name.isEmpty ? "-" : commit.name),
                StyledText(commit.is_public ? "yes" : "no"),
                StyledText(Timestamp.short(commit.created_at)),
            ])
        }
        return "\(title) (total: \(commits.count))\n\n\(table.rendered(for: stream))"
    }
}
