import ArgumentParser
import VersAPI
import VersClient

/// `vers repo delete`.
struct RepoDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete repositories and their tags; the commits stay.",
        discussion: """
            EXAMPLES
              vers repo delete images
            """,
        aliases: ["rm"]
    )

    @Argument(help: "The repositories.")
    var names: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            try await ItemDeletion(context: context, noun: "repository").run(names, format: format.format) { name in
                try ResourceName.checkTagName(name, of: "repository name")
                try await session.client.deleteRepository(name)
                return name
            }
        }
    }
}
