import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers key create`.
struct KeyCreate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Create an API key and show it once.",
        discussion: """
            The key may do no more than the one that creates it, unless that is the machine owner's.

            EXAMPLES
              vers key create laptop
              vers key create ci --expires 30d --max-memory 2048 --max-vcpus 2 --max-vms 10
              vers key create agent --org acme --user ann@example.com
            """
    )

    @Argument(help: "What the key is for.")
    var label: String
    @Option(help: "The organisation, by name or id; your own when absent.")
    var org: String?
    @Option(help: ArgumentHelp("The member whom it is for; you when absent.", valueName: "email"))
    var user: String?
    @Option(help: ArgumentHelp("When it ends: 90m, 12h, 30d, or a time in RFC 3339.", valueName: "when"))
    var expires: String?
    @OptionGroup var limits: KeyLimitOptions
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let expiry = try expires.map { try Expiry.date($0, now: Date()) }
        try await context.withSession { session in
            let organisation = try await org.asyncMap { try await session.organisation($0).org_id }
            let created = try await session.client.createKey(
                CreateKeyRequest(
                    label: label,
                    org_id: organisation,
                    user_email: user,
                    expires_at: expiry,
                    max_memory_mib: limits.maxMemory,
                    max_vcpus: limits.maxVcpus,
                    max_vms: limits.maxVms
                )
            )
            if !quiet.quiet, format.format == nil { context.note("Keep it now: it cannot be shown again.") }
            try Rendering(json: created, ids: [created.api_key]) { created.api_key }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}

/// What a new key may make.
struct KeyLimitOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Most memory of one VM.", valueName: "mib"))
    var maxMemory: Int?
    @Option(help: "Most vCPUs of one VM.")
    var maxVcpus: Int?
    @Option(help: "Most VMs at a time.")
    var maxVms: Int?
}

/// When a key ends, as people write it.
enum Expiry {
    /// `90m`, `12h`, `30d`, or RFC 3339.
    static func date(_ text: String, now: Date) throws -> Date {
        if let date = RFC3339.date(from: text) { return date }
        let units: [Character: Double] = ["m": 60, "h": 3600, "d": 86_400]
        guard let unit = text.last.flatMap({ units[$0] }), let count = Int(text.dropLast()), (1...100_000) ~= count
        else {
            throw VersError(
                .invalidArgument,
                "invalid time '\(text.prefix(40))': expected minutes, hours or days like 90m, 12h or 30d, or RFC 3339"
            )
        }
        return now.addingTimeInterval(Double(count) * unit)
    }
}

extension Optional {
    func asyncMap<Result>(_ transform: (Wrapped) async throws -> Result) async rethrows -> Result? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
