import ArgumentParser
import VersAPI
import VersClient

/// `vers repo tag delete`.
struct RepoTagDelete: AsyncParsableCommand {
    private static let usage = "vers repo tag delete <repo> <tag>..."

    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete tags of a repository; their commits stay.",
        discussion: """
            EXAMPLES
              vers repo tag delete images v1 v2
              vers repo tag delete images:v1
              vers repo tag delete --repo images v1
            """,
        aliases: ["rm"]
    )

    @Argument(help: ArgumentHelp("The repository and the tags.", valueName: "[repo] tag..."))
    var words: [String]
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let (first, rest) = try repository.tag(in: words, usage: Self.usage)
        let name = try first.requireOwn().repository
        // After 'images:v1' every further word is another such reference or a tag of the same repository.
        let tags = [first.tag] + rest
        try await context.withSession { session in
            try await ItemDeletion(context: context, noun: "tag").run(tags, format: format.format) { text in
                var reference = TagReference(repository: name, tag: text)
                if text.contains(":") { reference = try ReferenceOption.parse(text).requireOwn() }
                try ResourceName.checkTagName(reference.tag, of: "tag name")
                try await session.client.deleteTag(reference.tag, ofRepository: reference.repository)
                return reference.description
            }
        }
    }
}
