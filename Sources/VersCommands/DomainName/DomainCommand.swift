import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers domain`.
struct DomainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "domain",
        abstract: "DNS names of VMs.",
        discussion: """
            A name is bound to one VM, and goes when the VM is deleted. Point the name's DNS record at this host \
            yourself.

            EXAMPLES
              vers domain create app.example.com web
              vers domain list
              vers domain delete app.example.com
            """,
        subcommands: [DomainCreate.self, DomainList.self, DomainGet.self, DomainDelete.self]
    )
}

extension VersClient {
    /// A domain by its id, or by the name itself.
    func domainName(matching text: String) async throws -> DomainNameInfo {
        if let id = DomainID(text) { return try await domainName(id) }
        let wanted = text.lowercased().hasSuffix(".") ? String(text.lowercased().dropLast()) : text.lowercased()
        guard let found = try await domainNames().first(where: { $0.domain == wanted }) else {
            throw VersError(.notFound, "domain not found: '\(text.prefix(80))'", hint: "see 'vers domain list'")
        }
        return found
    }
}
