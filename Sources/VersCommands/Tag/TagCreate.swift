import ArgumentParser
import VersAPI
import VersClient

/// `vers tag create`.
struct TagCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Give a commit a name.",
        discussion: """
            EXAMPLES
              vers tag create golden 5e0a1c2b
              vers tag create golden 5e0a1c2b -d "tools installed"
              vers tag create latest golden
            """
    )

    @Argument(help: "The name: 1 to 64 letters, digits, '.', '_' or '-'.")
    var name: String
    @Argument(
        help: "The commit: a tag, repo:tag, its id, or the first characters of its id.",
        completion: .commits
    )
    var commit: String
    @Option(name: .shortAndLong, help: "What it is.")
    var description: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws { try ResourceName.checkTagName(name, of: "tag name") }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let request = TagCreateRequest(
                tag_name: name,
                commit_id: try await session.resolver.commit(commit),
                description: description
            )
            let tag = try await session.client.createTag(request)
            try Rendering(json: tag, ids: [tag.tag_name]) {
                "\u{2713} Tag '\(tag.tag_name)' created: commit \(tag.commit_id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
