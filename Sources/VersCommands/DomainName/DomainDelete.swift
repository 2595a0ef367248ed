import ArgumentParser
import VersAPI
import VersClient

/// `vers domain delete`.
struct DomainDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Unbind DNS names; the VMs stay.",
        discussion: """
            EXAMPLES
              vers domain delete app.example.com
            """,
        aliases: ["rm"]
    )

    @Argument(help: "The names, or their ids.")
    var domains: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            try await ItemDeletion(context: context, noun: "domain").run(domains, format: format.format) { text in
                let info = try await session.client.domainName(matching: text)
                try await session.client.deleteDomainName(info.domain_id)
                return info.domain
            }
        }
    }
}
