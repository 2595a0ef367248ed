import ArgumentParser
import VersAPI
import VersClient

/// `vers tag update`.
struct TagUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Move a tag to another commit, or describe it anew.",
        discussion: """
            EXAMPLES
              vers tag update golden --commit 7fff0001
              vers tag update golden -d "with the new compiler"
              vers tag update golden --clear-description
            """
    )

    @Argument(help: "The tag.", completion: .tags)
    var name: String
    @OptionGroup var change: TagChange
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws { try ResourceName.checkTagName(name, of: "tag name") }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            try await session.client.editTag(name, try await change.request(session))
            let tag = try await session.client.tag(name)
            try Rendering(json: tag, ids: [tag.tag_name]) {
                "\u{2713} Tag '\(tag.tag_name)' updated: commit \(tag.commit_id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
