import ArgumentParser
import Foundation
import TerminalUI
import VersAPI
import VersClient

/// `vers repo list`.
struct RepoList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List repositories.",
        discussion: """
            With -q the names, one per line.

            EXAMPLES
              vers repo list
              vers repo list --public
            """,
        aliases: ["ls"]
    )

    @Flag(name: .long, help: "List public repositories of every organisation.")
    var `public` = false
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            if self.public { return try await listPublic(session) }
            let repositories = try await session.client.repositories()
            try Rendering(json: repositories, ids: repositories.map(\.name)) {
                Self.table(
                    repositories.map { info in
                        Row(
                            name: info.name,
                            visibility: info.is_public ? "public" : "private",
                            created: info.created_at,
                            description: info.description
                        )
                    },
                    none: "No repositories found.\nCreate one with 'vers repo create <name>'.",
                    for: context.outputStream
                )
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private func listPublic(_ session: Session) async throws {
        let context = session.context
        let repositories = try await session.client.publicRepositories()
        try Rendering(json: repositories, ids: repositories.map(\.full_name)) {
            Self.table(
                repositories.map { info in
                    Row(
                        name: info.full_name,
                        visibility: "public",
                        created: info.created_at,
                        description: info.description
                    )
                },
                none: "No public repositories found.",
                for: context.outputStream
            )
        }.write(to: context, format: format.format, quiet: quiet.quiet)
    }

    private struct Row {
        var name: String
        var visibility: String
        var created: Date
        var description: String?
    }

    private static func table(_ rows: [Row], none: String, for stream: TerminalStream) -> String {
        let listing = Listing<Row>(
            none: none,
            [
                .init("NAME", width: 22, style: .cyan) { $0.name },
                .init("VISIBILITY", width: 10) { $0.visibility },
                .init("CREATED", width: 20) { Timestamp.short($0.created) },
                .init("DESCRIPTION") { $0.description ?? "" },
            ]
        )
        return listing.text(of: rows, for: stream)
    }
}
