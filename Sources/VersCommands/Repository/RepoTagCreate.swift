import ArgumentParser
import VersAPI
import VersClient

/// `vers repo tag create`.
struct RepoTagCreate: AsyncParsableCommand {
    private static let usage = "vers repo tag create <repo> <tag> <commit>"

    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Give a commit a name in a repository.",
        discussion: """
            EXAMPLES
              vers repo tag create images v1 5e0a1c2b
              vers repo tag create images:v1 5e0a1c2b -d "first"
              vers repo tag create --repo images latest images:v1
            """
    )

    @Argument(help: ArgumentHelp("The repository, the tag, and the commit.", valueName: "[repo] tag commit"))
    var words: [String]
    @Option(name: .shortAndLong, help: "What it is.")
    var description: String?
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let (given, rest) = try repository.tag(in: words, usage: Self.usage)
        let reference = try given.requireOwn()
        guard rest.count == 1 else {
            throw VersError(
                .invalidArgument,
                rest.isEmpty ? "no commit given" : "unexpected '\(rest[1].prefix(80))'",
                hint: "usage: \(Self.usage)"
            )
        }
        try await context.withSession { session in
            let request = TagCreateRequest(
                tag_name: reference.tag,
                commit_id: try await session.resolver.commit(rest[0]),
                description: description
            )
            let tag = try await session.client.createTag(request, inRepository: reference.repository)
            try Rendering(json: tag, ids: [tag.reference]) {
                "\u{2713} Tag '\(tag.reference)' created: commit \(tag.commit_id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
