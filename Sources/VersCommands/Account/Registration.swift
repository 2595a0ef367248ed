import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers registration`: who wants to sign up or in.
struct Registration: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Approve or reject those who want to sign up or in.",
        discussion: """
            'vers signup' and 'vers login --git' wait for the owner of the machine. An approval is good for one key. \
            Compare the id with what the person reads out: addresses and public keys are known to others too.

            EXAMPLES
              vers registration list
              vers registration approve 5e0a1c2b
              vers registration approve 5e0a1c2b --org acme
            """,
        subcommands: [RegistrationList.self, RegistrationApprove.self, RegistrationReject.self],
        defaultSubcommand: RegistrationList.self
    )
}

/// `vers registration list`.
struct RegistrationList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List those who wait.",
        discussion: """
            EXAMPLES
              vers registration list
            """,
        aliases: ["ls"]
    )

    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let waiting = try await session.client.registrations()
            try Rendering(json: waiting, ids: waiting.map(\.registration_id.text)) {
                Self.listing.text(of: waiting, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<RegistrationInfo> {
        Listing(
            none: "Nobody waits.",
            [
                .init("REGISTRATION ID", width: 36) { $0.registration_id.text },
                .init("EMAIL", width: 20) { $0.email },
                .init("USER") { $0.is_new_user ? "new" : "known" },
                .init("SINCE") { Timestamp.short($0.created_at) },
            ]
        )
    }
}

/// `vers registration approve`.
struct RegistrationApprove: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve",
        abstract: "Let somebody who waits make one API key.",
        discussion: """
            A new user gets an organisation of its own, unless --org names the one to join.

            EXAMPLES
              vers registration approve 5e0a1c2b
              vers registration approve 5e0a1c2b --org acme --max-vms 5
            """
    )

    @Argument(help: "The registration: its id, or the first characters of it.")
    var registration: String
    @Option(help: "The organisation to join as a member, by name or id.")
    var org: String?
    @OptionGroup var limits: KeyLimitOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.registration(registration)
            let organisation = try await org.asyncMap { try await session.organisation($0).org_id }
            let request = ApproveRegistrationRequest(
                org_id: organisation,
                max_memory_mib: limits.maxMemory,
                max_vcpus: limits.maxVcpus,
                max_vms: limits.maxVms
            )
            try await session.client.approveRegistration(id, request)
            try Rendering(json: ["registration_id": id.text]) { "\u{2713} Registration '\(id)' approved" }
                .write(to: context, format: format.format)
        }
    }
}

/// `vers registration reject`.
struct RegistrationReject: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject",
        abstract: "Drop a registration.",
        discussion: """
            EXAMPLES
              vers registration reject 5e0a1c2b
            """
    )

    @Argument(help: "The registration: its id, or the first characters of it.")
    var registration: String
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.registration(registration)
            try await session.client.rejectRegistration(id)
            try Rendering(json: ["registration_id": id.text]) { "\u{2713} Registration '\(id)' rejected" }
                .write(to: context, format: format.format)
        }
    }
}

extension Session {
    fileprivate func registration(_ text: String) async throws -> RegistrationID {
        if let id = RegistrationID(text) { return id }
        let all = try await client.registrations().map(\.registration_id)
        return try Resolver.pick(text, among: all, as: .registration)
    }
}
