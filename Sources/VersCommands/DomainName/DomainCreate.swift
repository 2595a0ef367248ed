import ArgumentParser
import VersAPI
import VersClient

/// `vers domain create`.
struct DomainCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Bind a DNS name to a VM.",
        discussion: """
            EXAMPLES
              vers domain create app.example.com
              vers domain create app.example.com web
            """
    )

    @Argument(help: "The name, such as app.example.com.")
    var domain: String
    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let info = try await session.client.createDomainName(domain, for: id)
            try Rendering(json: info, ids: [info.domain_id.text]) {
                "\u{2713} Domain '\(info.domain)' bound to VM '\(session.name(of: id))' (\(info.domain_id))"
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
