import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers expose`: who may connect to a VM's ports.
struct Expose: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say who may connect to a VM's ports, or make a link for somebody.",
        discussion: """
            Ports are open to everybody who can reach the front door, unless the VM is private: then they need a link \
            or an API key, and speak HTTP only. SSH has keys of its own and stays as it is. A branch of a private VM \
            is private.

            A link works for whoever has it, on one port, until it expires.

            EXAMPLES
              vers expose web                                 show what holds
              vers expose web --private
              vers expose web --link --expires 1h --port 8080
              vers expose web --public
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @Flag(name: .customLong("private"), help: "Let in only who has a link or a key.")
    var makePrivate = false
    @Flag(name: .customLong("public"), help: "Let everybody in.")
    var makePublic = false
    @Flag(help: "Make a link.")
    var link = false
    @Option(help: ArgumentHelp("How long the link works: 30m, 12h, 7d, or a time in RFC 3339.", valueName: "duration"))
    var expires: String?
    @Option(help: ArgumentHelp("The guest's port that the link leads to. Default: 80.", valueName: "port"))
    var port: UInt16?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var vm_id: MachineID
        var is_private: Bool
        var url: String?
        var link: String?
        var expires_at: Date?
    }

    func validate() throws {
        guard !(makePrivate && makePublic) else { throw ValidationError("--private and --public exclude each other") }
        guard link || expires == nil && port == nil else {
            throw ValidationError("--expires and --port belong to --link")
        }
        guard port != 0 else { throw ValidationError("invalid --port 0: expected 1 to 65535") }
    }

    func run() async throws {
        let context = common.context
        let request = try linkRequest()
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            var exposure = Exposure(is_private: makePrivate)
            if makePrivate || makePublic {
                exposure = try await session.client.setExposure(exposure, of: id)
            } else {
                exposure = try await session.client.exposure(of: id)
            }
            let url = try await session.client.frontDoor().url(of: id)
            var made: LinkResponse?
            if link { made = try await session.client.createLink(to: id, request) }
            let result = Result(
                vm_id: id,
                is_private: exposure.is_private,
                url: url,
                link: made?.url,
                expires_at: made?.expires_at
            )
            try Rendering(json: result, ids: [made?.url ?? url].compactMap(\.self)) {
                Self.text(of: result, name: session.name(of: id))
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private func linkRequest() throws -> LinkRequest {
        let now = Date()
        let expiry = try expires.map { try Expiry.date($0, now: now) }
        return LinkRequest(port: port, expires_in_seconds: expiry.map { Int($0.timeIntervalSince(now).rounded(.up)) })
    }

    static func text(of result: Result, name: String) -> String {
        LabelledLines.text([
            ("VM", name), ("Ports", result.is_private ? "private" : "open to everybody"),
            ("URL", result.url ?? "none: the front door does not listen (see 'vers doctor')"),
            ("Link", result.link), ("Expires", result.expires_at.map(Timestamp.short)),
        ])
    }
}
