import ArgumentParser
import VersAPI
import VersClient

/// `vers repo tag update`.
struct RepoTagUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Move a repository's tag to another commit, or describe it anew.",
        discussion: """
            EXAMPLES
              vers repo tag update images latest --commit images:v2
              vers repo tag update images:v1 -d "kept for old builds"
            """
    )

    @Argument(help: ArgumentHelp("The repository and the tag.", valueName: "[repo] tag"))
    var words: [String]
    @OptionGroup var repository: RepositoryOption
    @OptionGroup var change: TagChange
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let usage = "vers repo tag update <repo> <tag> --commit <commit>"
        let reference = try repository.onlyTag(in: words, usage: usage).requireOwn()
        try await context.withSession { session in
            let request = try await change.request(session)
            try await session.client.editTag(reference.tag, ofRepository: reference.repository, request)
            let tag = try await session.client.tag(reference.tag, ofRepository: reference.repository)
            try Rendering(json: tag, ids: [tag.reference]) {
                "\u{2713} Tag '\(tag.reference)' updated: commit \(tag.commit_id)"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
