import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers org`: organisations and who is in them.
struct Organisation: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "org",
        abstract: "Manage organisations and their members.",
        discussion: """
            VMs, commits and keys belong to an organisation, and are invisible to others. Only the owner of the \
            machine changes organisations.

            EXAMPLES
              vers org create acme
              vers org add acme ann@example.com --role admin
              vers key create ann --org acme --user ann@example.com
              vers org members acme
            """,
        subcommands: [
            OrganisationCreate.self, OrganisationList.self, OrganisationDelete.self, MemberList.self,
            MemberAdd.self, MemberRemove.self,
        ],
        defaultSubcommand: OrganisationList.self
    )
}

extension Session {
    /// The organisation that a person means: by its name, or its id.
    func organisation(_ text: String) async throws -> OrganisationInfo {
        let all = try await client.organisations()
        if let found = all.first(where: { $0.name == text || $0.org_id.text == text.lowercased() }) { return found }
        throw VersError(
            .notFound,
            "organisation '\(text.prefix(80))' not found: expected a name or an id",
            hint: "see 'vers org list'"
        )
    }
}

/// `vers org create`.
struct OrganisationCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create an organisation.",
        discussion: """
            EXAMPLES
              vers org create acme
            """
    )

    @Argument(help: "Its name: letters, digits, '.', '_' and '-'.")
    var name: String
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let made = try await session.client.createOrganisation(named: name)
            try Rendering(json: made, ids: [made.org_id.text]) {
                "\u{2713} Organisation '\(name)' created: \(made.org_id)"
            }
            .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}

/// `vers org list`.
struct OrganisationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List organisations.",
        discussion: """
            EXAMPLES
              vers org list
            """,
        aliases: ["ls"]
    )

    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let all = try await session.client.organisations()
            try Rendering(json: all, ids: all.map(\.org_id.text)) {
                Self.listing.text(of: all, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<OrganisationInfo> {
        Listing(
            none: "No organisations.",
            [
                .init("NAME", width: 16) { $0.name },
                .init("ORG ID", width: 36) { $0.org_id.text },
                .init("ROLE") { $0.role?.rawValue ?? "-" },
                .init("CREATED") { Timestamp.short($0.created_at) },
            ]
        )
    }
}

/// `vers org delete`.
struct OrganisationDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete an organisation that has no VMs and no commits; its keys are revoked.",
        discussion: """
            EXAMPLES
              vers org delete acme
            """
    )

    @Argument(help: "The organisation, by name or id.")
    var org: String
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let organisation = try await session.organisation(org)
            try await session.client.deleteOrganisation(organisation.org_id)
            try Rendering(json: organisation) { "\u{2713} Organisation '\(organisation.name)' deleted" }
                .write(to: context, format: format.format)
        }
    }
}
