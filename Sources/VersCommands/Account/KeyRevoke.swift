import ArgumentParser
import VersAPI
import VersClient

/// `vers key revoke`.
struct KeyRevoke: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Revoke an API key; its VMs live on.",
        discussion: """
            When the machine owner's own key is revoked, the next start of the daemon makes a new one.

            EXAMPLES
              vers key revoke 0b8f5c1e
            """
    )

    @Argument(help: "The key: its id, or the first characters of it.")
    var key: String
    @Option(help: "The organisation in which to look for the first characters; your own when absent.")
    var org: String?
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await id(in: session)
            try await session.client.revokeKey(id)
            try Rendering(json: ["key_id": id.text]) { "\u{2713} Key '\(id)' revoked" }
                .write(to: context, format: format.format)
        }
    }

    private func id(in session: Session) async throws -> KeyID {
        if let id = KeyID(key) { return id }
        guard Resolver.isPrefix(key) else { throw Resolver.unknown(.key, key) }
        let organisation = try await org.asyncMap { try await session.organisation($0).org_id }
        return try Resolver.pick(key, among: try await session.client.keys(of: organisation).map(\.key_id), as: .key)
    }
}
