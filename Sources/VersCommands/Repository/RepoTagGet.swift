import ArgumentParser
import VersAPI
import VersClient

/// `vers repo tag get`.
struct RepoTagGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show a tag of a repository.",
        discussion: """
            With -q the id of its commit.

            EXAMPLES
              vers repo tag get images v1
              vers repo tag get acme/images:v1
            """
    )

    @Argument(help: ArgumentHelp("The repository and the tag.", valueName: "[repo] tag"))
    var words: [String]
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let reference = try repository.onlyTag(in: words, usage: "vers repo tag get <repo> <tag>")
        try await context.withSession { session in
            let tag: RepositoryTagInfo
            if let organisation = reference.organisation {
                tag = try await session.client.tag(
                    reference.tag,
                    ofPublicRepository: reference.repository,
                    of: organisation
                )
            } else {
                tag = try await session.client.tag(reference.tag, ofRepository: reference.repository)
            }
            try Rendering(json: tag, ids: [tag.commit_id.text]) {
                TagText.lines(of: TagInfo(tag), reference: tag.reference)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
