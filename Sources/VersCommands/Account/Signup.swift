import ArgumentParser
import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// `vers signup`.
struct Signup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask for access to the server that VERS_URL names, and save the API key.",
        discussion: """
            The administrator of the server approves the registration; this command waits for that. The server knows \
            you by your address and your SSH public key.

            EXAMPLES
              VERS_URL=https://vers.example.com vers signup --email ann@example.com
              vers signup --org acme --ssh-key ~/.ssh/id_ed25519.pub
              vers signup --no-git        (enter a key that you have)
            """
    )

    @Flag(inversion: .prefixedNo, help: "Sign up with an address and an SSH key, rather than enter an API key.")
    var git = true
    @Option(help: "The organisation, when you are in several.")
    var org: String?
    @Option(help: "Your address; git's user.email when absent.")
    var email: String?
    @Option(
        help: ArgumentHelp(
            "Your SSH public key; the first of ~/.ssh/id_{ed25519,ecdsa,rsa}.pub when absent.",
            valueName: "path"
        )
    )
    var sshKey: String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        guard git else {
            var login = try Login.parse([])
            login.common = common
            return try await login.run()
        }
        let request = ShellRegistration(email: email, sshKeyPath: sshKey, organisation: org)
        try await request.run(common.context)
    }
}

/// Signing up or in with an address and a public key: starts a registration, waits until it is approved, makes a key
/// and saves it.
struct ShellRegistration {
    /// How often, and how long, to ask whether the registration is approved: as the public command line does.
    static let interval = Duration.seconds(3)
    static let patience = Duration.seconds(600)

    var email: String?
    var sshKeyPath: String?
    var organisation: String?

    func run(_ context: CommandContext) async throws {
        let environment = try DotEnv.environment(of: context)
        guard let url = environment["VERS_URL"], !url.isEmpty else {
            throw VersError(
                .invalidArgument,
                "VERS_URL is not set: expected the server to sign up at",
                hint: "the instance of this machine needs no account"
            )
        }
        let identity = try Identity(context, email: email, keyPath: sshKeyPath)
        let client = try VersClient(baseURL: try InstanceLocator.origin(url), apiKey: "")
        let made = try await VersClient.with(client) { try await register(identity, client: $0, context) }
        let file = CredentialsFile(context)
        try file.save(apiKey: made.api_key, other: ["email": identity.email, "sshKeyPath": identity.keyPath])
        context.print("\u{2713} Signed in to organisation '\(made.org_name)'; API key saved to \(file.path)")
    }

    private func register(
        _ identity: Identity,
        client: VersClient,
        _ context: CommandContext
    ) async throws -> ShellAuthKeyResponse {
        let started = try await client.startRegistration(
            ShellAuthRequest(email: identity.email, ssh_public_key: identity.publicKey, bind_nonce: true)
        )
        context.note("Registration \(started.registration_id) of \(started.email) waits for the administrator:")
        context.note("  vers registration approve \(started.registration_id.text.prefix(8))")
        let request = VerifyKeyRequest(
            email: identity.email,
            ssh_public_key: identity.publicKey,
            nonce: started.nonce
        )
        let verified = try await context.progress("waiting for the approval") {
            try await Self.waitForApproval(request, client: client)
        }
        return try await client.createKey(
            ShellAuthKeyRequest(
                email: identity.email,
                ssh_public_key: identity.publicKey,
                label: "vers-cli-\(Self.hostName)",
                org_name: try choose(among: verified.orgs.map(\.name), context),
                nonce: started.nonce
            )
        )
    }

    private static func waitForApproval(
        _ request: VerifyKeyRequest,
        client: VersClient
    ) async throws -> VerifyKeyResponse {
        let deadline = ContinuousClock.now + patience
        while true {
            do {
                return try await client.verifyRegistration(request)
            } catch let error as VersError where error.code == .unauthenticated && .now + interval < deadline {
                try await Task.sleep(for: interval, clock: .continuous)
            } catch let error as VersError where error.code == .unauthenticated {
                throw VersError(
                    .timedOut,
                    "the registration was not approved within \(patience.components.seconds / 60) minutes",
                    hint: "ask the administrator, and sign up again"
                )
            }
        }
    }

    private func choose(among names: [String], _ context: CommandContext) throws -> String? {
        if let organisation { return organisation }
        guard names.count > 1 else { return names.first }
        context.note("You are in several organisations: \(names.joined(separator: ", "))")
        context.errorOutput.write("Organisation: ")
        guard let name = context.readLine()?.trimmed, names.contains(name) else {
            throw VersError(
                .invalidArgument,
                "you are in several organisations: expected one of \(names.joined(separator: ", "))",
                hint: "name it with --org"
            )
        }
        return name
    }

    private static var hostName: String {
        let letters = ProcessInfo.processInfo.hostName.filter {
            $0.isASCII && ($0.isLetter || $0.isNumber || "-.".contains($0))
        }
        return letters.isEmpty ? "host" : String(letters.prefix(64))
    }
}

/// Who signs up: an address and a public key.
struct Identity {
    var email: String
    var publicKey: String
    var keyPath: String

    init(_ context: CommandContext, email: String?, keyPath: String?) throws {
        guard let email = try email ?? Self.gitAddress(context) else {
            throw VersError(
                .invalidArgument,
                "no address: expected --email, or user.email in git's configuration",
                hint: "vers signup --email you@example.com"
            )
        }
        self.email = email
        let defaults = ["ed25519", "ecdsa", "rsa"].map { context.homePath.appending(".ssh/id_\($0).pub") }
        let candidates = keyPath.map { [context.workingPath.pushing(FilePath($0))] } ?? defaults
        for path in candidates {
            guard let text = try UserFile.read(path), !text.trimmed.isEmpty else { continue }
            publicKey = text.trimmed
            self.keyPath = path.string
            return
        }
        throw VersError(
            .notFound,
            "no SSH public key at \(candidates.map(\.string).joined(separator: ", "))",
            hint: "make one with 'ssh-keygen -t ed25519', or name yours with --ssh-key"
        )
    }

    /// `email` in the section `[user]` of `~/.gitconfig`.
    private static func gitAddress(_ context: CommandContext) throws -> String? {
        guard let text = try UserFile.read(context.homePath.appending(".gitconfig")) else { return nil }
        var isInUser = false
        for line in text.split(whereSeparator: \.isNewline).map(\.trimmed) {
            if line.hasPrefix("[") {
                isInUser = line.lowercased() == "[user]"
            } else if isInUser, let equals = line.firstIndex(of: "="), line[..<equals].trimmed.lowercased() == "email" {
                return line[line.index(after: equals)...].trimmed.trimmingCharacters(in: ["\""])
            }
        }
        return nil
    }
}
