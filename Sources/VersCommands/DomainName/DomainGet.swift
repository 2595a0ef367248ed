import ArgumentParser
import VersAPI
import VersClient

/// `vers domain get`.
struct DomainGet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show a DNS name.",
        discussion: """
            With -q the id of its VM.

            EXAMPLES
              vers domain get app.example.com
            """
    )

    @Argument(help: "The name, or its id.")
    var domain: String
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let info = try await session.client.domainName(matching: domain)
            try Rendering(json: info, ids: [info.vm_id.text]) {
                LabelledLines.text([
                    ("Domain", info.domain), ("Domain ID", info.domain_id.text), ("VM ID", info.vm_id.text),
                    ("Created", Timestamp.short(info.created_at)),
                ])
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
