import ArgumentParser
import VersAPI
import VersClient

/// `vers env delete`.
struct EnvDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete variables; VMs lose them when they are started or resumed the next time.",
        discussion: """
            EXAMPLES
              vers env delete REGISTRY
            """,
        aliases: ["del", "rm", "remove"]
    )

    @Argument(help: "The variables.")
    var keys: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let deletion = ItemDeletion(context: context, noun: "environment variable")
            try await deletion.run(keys, format: format.format) { key in
                try EnvironmentLimit.check(key: key)
                try await session.client.deleteEnvironmentVariable(key)
                return key
            }
        }
    }
}
