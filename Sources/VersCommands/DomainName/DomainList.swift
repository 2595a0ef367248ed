import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers domain list`.
struct DomainList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List DNS names and their VMs.",
        discussion: """
            EXAMPLES
              vers domain list
              vers domain list web
            """,
        aliases: ["ls"]
    )

    @Argument(help: "A VM: alias, id or the first characters of it; all when absent.")
    var vm: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            var machine: MachineID?
            if let vm { machine = try await session.resolver.machine(vm) }
            let domains = try await session.client.domainNames(of: machine)
            try Rendering(json: domains, ids: domains.map(\.domain_id.text)) {
                guard !domains.isEmpty else { return "No domains found." }
                var table = Table([
                    .init("DOMAIN", minimumWidth: 22), .init("VM ID", minimumWidth: 36),
                    .init("CREATED", minimumWidth: 20), .init("DOMAIN ID"),
                ])
                for domain in domains {
                    table.append([
                        StyledText(domain.domain, .cyan), StyledText(domain.vm_id.text),
                        StyledText(Timestamp.short(domain.created_at)), StyledText(domain.domain_id.text),
                    ])
                }
                return table.rendered(for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
