import ArgumentParser
import VersAPI
import VersClient

/// `vers repo get`.
struct RepoGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show a repository.",
        discussion: """
            EXAMPLES
              vers repo get images
              vers repo get acme/images
            """
    )

    @Argument(help: "The repository: its name, or org/name of a public one.")
    var name: String
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let argument = try RepositoryArgument(parsing: name)
        try await context.withSession { session in
            switch argument {
            case .own(let name):
                let info = try await session.client.repository(name)
                let tags = try await session.client.tags(ofRepository: name).tags.count
                try Rendering(json: info, ids: [info.name]) {
                    LabelledLines.text([
                        ("Name", info.name), ("Repo ID", info.repo_id.text),
                        ("Visibility", info.is_public ? "public" : "private"), ("Tags", "\(tags)"),
                        ("Created", Timestamp.short(info.created_at)), ("Description", info.description),
                    ])
                }.write(to: context, format: format.format, quiet: quiet.quiet)
            case .published(let name, let organisation):
                let info = try await session.client.publicRepository(name, of: organisation)
                let tags = try await session.client.tags(ofPublicRepository: name, of: organisation).tags.count
                try Rendering(json: info, ids: [info.full_name]) {
                    LabelledLines.text([
                        ("Name", info.full_name), ("Repo ID", info.repo_id.text), ("Owner", info.org_name),
                        ("Visibility", "public"), ("Tags", "\(tags)"), ("Created", Timestamp.short(info.created_at)),
                        ("Description", info.description),
                    ])
                }.write(to: context, format: format.format, quiet: quiet.quiet)
            }
        }
    }
}
