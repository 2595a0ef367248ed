import ArgumentParser
import VersAPI
import VersClient

/// `vers repo tag list`.
struct RepoTagList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the tags of a repository.",
        discussion: """
            With -q the names of the tags, one per line.

            EXAMPLES
              vers repo tag list images
              vers repo tag list acme/images
            """,
        aliases: ["ls"]
    )

    @Argument(help: "The repository: its name, or org/name of a public one.")
    var name: String?
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard (name == nil) != (repository.repo == nil) else {
            throw VersError(
                .invalidArgument,
                name == nil ? "no repository given" : "the repository is given twice",
                hint: "usage: vers repo tag list <repo>"
            )
        }
    }

    func run() async throws {
        let context = common.context
        let argument = try RepositoryArgument(parsing: name ?? repository.repo ?? "")
        try await context.withSession { session in
            let list =
                switch argument {
                case .own(let name): try await session.client.tags(ofRepository: name)
                case .published(let name, let organisation):
                    try await session.client.tags(ofPublicRepository: name, of: organisation)
                }
            try Rendering(json: list.tags, ids: list.tags.map(\.tag_name)) {
                let table = TagText.table(
                    list.tags.map(TagInfo.init),
                    none: "No tags found in repository '\(list.repository)'.",
                    for: context.outputStream
                )
                return list.tags.isEmpty ? table : "Repository: \(list.repository)\n\n\(table)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
