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

    @Argument(help: "A VM: alias, id or the first characters of it; all when absent.", completion: .machines)
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
                Self.listing.text(of: domains, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<DomainNameInfo> {
        Listing(
            none: "No domains found.",
            [
                .init("DOMAIN", width: 22, style: .cyan) { $0.domain },
                .init("VM ID", width: 36) { $0.vm_id.text },
                .init("CREATED", width: 20) { Timestamp.short($0.created_at) },
                .init("DOMAIN ID") { $0.domain_id.text },
            ]
        )
    }
}
