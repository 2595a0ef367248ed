import ArgumentParser
import VersAPI
import VersClient

/// `vers tag delete`.
struct TagDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete tags; their commits stay.",
        discussion: """
            EXAMPLES
              vers tag delete golden
              vers tag delete old-1 old-2
            """,
        aliases: ["rm"]
    )

    @Argument(help: "The tags.", completion: .tags)
    var names: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            try await ItemDeletion(context: context, noun: "tag").run(names, format: format.format) { name in
                try ResourceName.checkTagName(name, of: "tag name")
                try await session.client.deleteTag(name)
                return name
            }
        }
    }
}
