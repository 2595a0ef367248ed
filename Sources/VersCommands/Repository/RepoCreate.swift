import ArgumentParser
import VersAPI
import VersClient

/// `vers repo create`.
struct RepoCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create a private repository.",
        discussion: """
            EXAMPLES
              vers repo create images
              vers repo create images -d "what the build needs"
            """
    )

    @Argument(help: "The name: 1 to 64 letters, digits, '.', '_' or '-'.")
    var name: String
    @Option(name: .shortAndLong, help: "What it is.")
    var description: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws { try ResourceName.checkTagName(name, of: "repository name") }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let request = RepositoryCreateRequest(name: name, description: description)
            let repository = try await session.client.createRepository(request)
            try Rendering(json: repository, ids: [repository.name]) {
                "\u{2713} Repository '\(repository.name)' created (\(repository.repo_id))"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
