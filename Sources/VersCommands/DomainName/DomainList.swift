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
