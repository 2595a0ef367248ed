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
                    repositories.map { ($0.name, $0.is_public ? "public" : "private", $0.created_at, $0.description) },
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
                repositories.map { ($0.full_name, "public", $0.created_at, $0.description) },
                none: "No public repositories found.",
                for: context.outputStream
            )
        }.write(to: context, format: format.format, quiet: quiet.quiet)
    }

    private static func table(
        _ rows: [(name: String, visibility: String, created: Date, description: String?)],
        none: String,
        for stream: TerminalStream
    ) -> String {
        guard !rows.isEmpty else { return none }
        var table = Table([
            .init("NAME", minimumWidth: 22), .init("VISIBILITY", minimumWidth: 10),
            .init("CREATED", minimumWidth: 20), .init("DESCRIPTION"),
        ])
        for row in rows {
            table.append([
                StyledText(row.name, .cyan), StyledText(row.visibility),
                StyledText(Timestamp.short(row.created)), StyledText(row.description ?? ""),
            ])
        }
        return table.rendered(for: stream)
    }
}
