import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers commit delete`.
struct CommitDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete commits that nothing needs.",
        discussion: """
            A commit from which VMs were started is kept while they exist. Of several commits, those that can be \
            deleted are, and every failure is reported.

            EXAMPLES
              vers commit delete 5e0a1c2b
            """,
        aliases: ["rm"]
    )

    @Argument(help: "Commits: their ids, or the first characters of them.")
    var commits: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var deleted: [CommitID] = []
        var failed: [Delete.Failure] = []
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            var result = Result()
            for text in commits {
                do {
                    let id = try await session.resolver.commit(text)
                    if result.deleted.contains(id) { continue }
                    try await session.client.deleteCommit(id)
                    result.deleted.append(id)
                } catch let error as VersError {
                    context.note("\u{2717} commit '\(text.withoutControlCharacters)' not deleted")
                    context.report(error)
                    result.failed.append(
                        .init(target: text, error: error.message, code: error.code, hint: error.hint)
                    )
                }
            }
            if format.format != nil || !result.deleted.isEmpty {
                let deleted = result.deleted
                try Rendering(json: result) {
                    deleted.map { "\u{2713} Commit '\($0)' deleted" }.joined(separator: "\n")
                }.write(to: context, format: format.format)
            }
            if let code = result.failed.first?.code { throw ExitCode(code.exitStatus) }
        }
    }
}
