import ArgumentParser
import VersAPI
import VersClient

/// `vers tag get`.
struct TagGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show a tag.",
        discussion: """
            With -q the id of its commit.

            EXAMPLES
              vers tag get golden
              vers branch $(vers tag get golden -q)
            """
    )

    @Argument(help: "The tag.", completion: .tags)
    var name: String
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws { try ResourceName.checkTagName(name, of: "tag name") }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let tag = try await session.client.tag(name)
            try Rendering(json: tag, ids: [tag.commit_id.text]) { TagText.lines(of: tag) }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
