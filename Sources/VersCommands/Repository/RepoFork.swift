import ArgumentParser
import VersAPI
import VersClient

/// `vers repo fork`.
struct RepoFork: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fork",
        abstract: "Make what a public repository's tag names your own, and start a VM from it.",
        discussion: """
            Makes a commit with the same state, a VM that runs from it, and a repository with a tag that names the \
            commit. All of that is made, or nothing. What you forked may change or go without consequences for your \
            fork. HEAD stays where it is.

            EXAMPLES
              vers repo fork acme/images:v1
              vers repo fork acme/images:v1 --repo-name base --tag-name start
            """
    )

    @Argument(help: ArgumentHelp("What to fork.", valueName: "org/repo:tag"))
    var source: String
    @Option(name: .long, help: ArgumentHelp("Name of the new repository; the source's when absent.", valueName: "name"))
    var repoName: String?
    @Option(name: .long, help: ArgumentHelp("Name of the new tag; the source's when absent.", valueName: "name"))
    var tagName: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        if let repoName { try ResourceName.checkTagName(repoName, of: "repository name") }
        if let tagName { try ResourceName.checkTagName(tagName, of: "tag name") }
    }

    func run() async throws {
        let context = common.context
        guard let reference = TagReference(source), let organisation = reference.organisation else {
            throw VersError(.invalidArgument, "invalid source '\(source.prefix(200))': expected org/repo:tag")
        }
        let request = ForkRequest(
            source_org: organisation,
            source_repo: reference.repository,
            source_tag: reference.tag,
            repo_name: repoName,
            tag_name: tagName
        )
        try await context.withSession { session in
            let fork = try await context.serverWork("forking \(reference)") {
                try await session.client.fork(request)
            }
            try Rendering(json: fork, ids: [fork.vm_id.text]) {
                """
                \u{2713} Forked \(reference)
                Reference: \(fork.reference)
                VM ID: \(fork.vm_id)
                Commit ID: \(fork.commit_id)
                """
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
