import ArgumentParser
import VersAPI
import VersClient

/// `vers tag list`.
struct TagList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List tags.",
        discussion: """
            With -q the names, one per line.

            EXAMPLES
              vers tag list
              vers tag list --format json
            """,
        aliases: ["ls"]
    )

    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let tags = try await session.client.tags()
            try Rendering(json: tags, ids: tags.map(\.tag_name)) {
                TagText.table(
                    tags,
                    none: "No tags found.\nCreate one with 'vers tag create <name> <commit>'.",
                    for: context.outputStream
                )
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
