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

    private static func text(of commits: [CommitInfo], isPublic: Bool, for stream: TerminalStream) -> String {
        let table = listing.text(of: commits, for: stream)
        guard !commits.isEmpty else { return table }
        return "\(isPublic ? "Public commits" : "Commits") (total: \(commits.count))\n\n\(table)"
    }

    private static var listing: Listing<CommitInfo> {
        Listing(
            none: "No commits found.",
            [
                .init("COMMIT ID", width: 36) { $0.commit_id.text },
                .init("NAME", width: 18) { $0.name.isEmpty ? "-" : $0.name },
                .init("PUBLIC", width: 6) { $0.is_public ? "yes" : "no" },
                .init("CREATED") { Timestamp.short($0.created_at) },
            ]
        )
    }
}
