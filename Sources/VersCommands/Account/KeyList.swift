import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers key list`.
struct KeyList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List an organisation's API keys, without their secrets.",
        discussion: """
            EXAMPLES
              vers key list
              vers key list --org acme --format json
            """,
        aliases: ["ls"]
    )

    @Option(help: "The organisation, by name or id; your own when absent.")
    var org: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let organisation = try await org.asyncMap { try await session.organisation($0).org_id }
            let keys = try await session.client.keys(of: organisation)
            try Rendering(json: keys, ids: keys.map(\.key_id.text)) {
                Self.listing.text(of: keys, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<KeyInfo> {
        Listing(
            none: "No keys.",
            [
                .init("KEY ID", width: 36) { $0.key_id.text },
                .init("LABEL", width: 12) { $0.label },
                .init("CREATED") { Timestamp.short($0.created_at) },
                .init("EXPIRES") { $0.expires_at.map(Timestamp.short) ?? "-" },
                .init("LIMITS") { limits(of: $0) },
            ]
        )
    }

    /// What a key may make, on one line.
    static func limits(of key: KeyInfo) -> String {
        let parts = [
            key.is_administrator ? "administrator" : nil,
            key.max_memory_mib.map { "\($0) MiB" },
            key.max_vcpus.map { "\($0) vCPU" },
            key.max_vms.map { "\($0) VMs" },
        ]
        let text = parts.compactMap(\.self).joined(separator: ", ")
        return text.isEmpty ? "-" : text
    }
}
