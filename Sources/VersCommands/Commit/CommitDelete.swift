import ArgumentParser
import VersAPI
import VersClient

/// `vers commit delete`.
struct CommitDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete commits that nothing needs.",
        discussion: """
            A commit from which VMs were started is kept while they exist, one that tags name as long as they do. Of \
            several commits, those that can be \
            deleted are, and every failure is reported.

            EXAMPLES
              vers commit delete 5e0a1c2b
            """,
        aliases: ["rm"]
    )

    @Argument(help: "The commits: tags, repo:tag, ids, or the first characters of ids.", completion: .commits)
    var commits: [String] = []
    @Option(
        name: .long,
        help: ArgumentHelp("A commit that a repository's tag names; may be repeated.", valueName: "[org/]repo:tag")
    )
    var ref: [String] = []
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !commits.isEmpty || !ref.isEmpty else {
            throw VersError(.invalidArgument, "no commit given: expected commits, or --ref")
        }
        for text in ref { _ = try ReferenceOption.parse(text) }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let deletion = ItemDeletion(context: context, noun: "commit")
            try await deletion.run(commits + ref, format: format.format) { text in
                let id = try await session.resolver.commit(text)
                try await session.client.deleteCommit(id)
                return id.text
            }
        }
    }
}
