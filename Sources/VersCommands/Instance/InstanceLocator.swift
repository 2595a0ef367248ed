import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// Finds the instance that commands talk to.
///
/// `VERS_URL` (from the environment or `./.env`) names one; its key is `VERS_API_KEY`, else the one that
/// `vers login` saved. Without it, it is the instance of this user's `VERS_HOME`, started when it does not run; its key is
/// `VERS_API_KEY`, too, else its owner's: whoever has chosen a key must not act as the owner.
struct InstanceLocator: Sendable {
    private let context: CommandContext

    init(_ context: CommandContext) { self.context = context }

    func connect() async throws -> VersClient {
        let environment = try DotEnv.environment(of: context)
        if let url = environment["VERS_URL"], !url.isEmpty {
            return try remote(url, environment: environment)
        }
        let home = InstanceHome(context, environment: environment)
        if let record = try home.runningDaemon() { return try local(record, home: home, environment: environment) }
        guard environment["VERS_AUTOSTART"] != "0" else {
            throw VersError(
                .unreachable,
                "no daemon runs for \(home.path)",
                hint: "start it with 'vers up', or unset VERS_AUTOSTART"
            )
        }
        let record = try await DaemonLauncher(context: context, home: home).launch()
        return try local(record, home: home, environment: environment)
    }

    /// The client of a daemon on this machine, over its Unix socket when it has one.
    func local(_ record: DaemonDescription, home: InstanceHome, environment: [String: String]) throws -> VersClient {
        guard let key = try Self.givenKey(environment) ?? home.apiKey() else {
            throw VersError(
                .unauthenticated,
                "no API key in \(home.ownerKey)",
                hint: "the daemon writes it when it starts; see \(home.log)"
            )
        }
        context.debug("using the daemon of \(home.path), pid \(record.pid), at \(record.socket ?? record.url)")
        return try makeClient(record, key: key)
    }

    func makeClient(_ record: DaemonDescription, key: String) throws -> VersClient {
        if let socket = record.socket { return try VersClient(unixSocket: FilePath(socket), apiKey: key) }
        return try VersClient(baseURL: try Self.origin(record.url), apiKey: key)
    }

    private func remote(_ text: String, environment: [String: String]) throws -> VersClient {
        let url = try Self.origin(text)
        let key = try Self.givenKey(environment) ?? CredentialsFile(context).apiKey()
        guard let key else {
            throw VersError(
                .unauthenticated,
                "authentication required: no API key for \(text)",
                hint: "set VERS_API_KEY, or run 'vers login'"
            )
        }
        context.debug("using \(text)")
        return try VersClient(baseURL: url, apiKey: key)
    }

    /// The key in `VERS_API_KEY`; an empty one is none.
    static func givenKey(_ environment: [String: String]) -> String? {
        environment["VERS_API_KEY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Says of a key that this machine's own daemon refuses where it came from.
    func explaining<Result>(_ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as VersError where error.code == .unauthenticated {
            let environment = try DotEnv.environment(of: context)
            guard Self.givenKey(environment) != nil, environment["VERS_URL"] ?? "" == "" else { throw error }
            throw VersError(
                error.code,
                error.message,
                hint: "the key is that of VERS_API_KEY: unset it to act as the instance's owner, or set VERS_URL, too"
            )
        }
    }

    /// The URL without a slash at its end.
    /// - Throws: `.invalidArgument` unless `text` is an absolute HTTP or HTTPS URL.
    static func origin(_ text: String) throws -> String {
        guard let url = URL(string: text), ["http", "https"].contains(url.scheme?.lowercased() ?? ""), url.host != nil
        else {
            throw VersError(
                .invalidArgument,
                "invalid VERS_URL '\(text.prefix(200))': expected http://HOST[:PORT] or https://HOST[:PORT]"
            )
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
