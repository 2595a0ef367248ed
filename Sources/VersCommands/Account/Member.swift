import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers org members`.
struct MemberList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "List who is in an organisation.",
        discussion: """
            EXAMPLES
              vers org members acme
            """
    )

    @Argument(help: "The organisation, by name or id.")
    var org: String
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let members = try await session.client.members(of: try await session.organisation(org).org_id)
            try Rendering(json: members, ids: members.map(\.user_id.text)) {
                Self.listing.text(of: members, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<MemberInfo> {
        Listing(
            none: "No members.",
            [
                .init("EMAIL", width: 20) { $0.email },
                .init("ROLE", width: 6) { $0.role.rawValue },
                .init("USER ID") { $0.user_id.text },
            ]
        )
    }
}

/// `vers org add`.
struct MemberAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a user to an organisation, or change the user's role.",
        discussion: """
            Members use the organisation's VMs; admins and owners manage its keys too.

            EXAMPLES
              vers org add acme ann@example.com
              vers org add acme ann@example.com --role admin
            """
    )

    @Argument(help: "The organisation, by name or id.")
    var org: String
    @Argument(help: "The user's address.")
    var email: String
    @Option(help: "member, admin or owner.", transform: Self.role)
    var role = Role.member
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    private static func role(_ text: String) throws -> Role {
        guard let role = Role(rawValue: text) else {
            throw ValidationError("invalid role '\(text.prefix(40))': expected member, admin or owner")
        }
        return role
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let organisation = try await session.organisation(org)
            let member = try await session.client.setMember(email, role: role, of: organisation.org_id)
            try Rendering(json: member) {
                "\u{2713} \(member.email) is \(member.role.rawValue) of '\(organisation.name)'"
            }.write(to: context, format: format.format)
        }
    }
}

/// `vers org remove`.
struct MemberRemove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Take a user out of an organisation; the user's keys of it are revoked.",
        discussion: """
            EXAMPLES
              vers org remove acme ann@example.com
            """
    )

    @Argument(help: "The organisation, by name or id.")
    var org: String
    @Argument(help: "The user's address.")
    var email: String
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let organisation = try await session.organisation(org)
            let members = try await session.client.members(of: organisation.org_id)
            guard let member = members.first(where: { $0.email == email.lowercased() }) else {
                throw VersError(
                    .notFound,
                    "user '\(email.prefix(80))' not found in organisation '\(organisation.name)'",
                    hint: "see 'vers org members \(organisation.name)'"
                )
            }
            try await session.client.removeMember(member.user_id, of: organisation.org_id)
            try Rendering(json: member) { "\u{2713} \(member.email) is not in '\(organisation.name)' any more" }
                .write(to: context, format: format.format)
        }
    }
}
