import ArgumentParser
import Foundation
import VersAPI
import VersClient

/// `vers login`.
struct Login: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Check an API key and save it to ~/.versrc.",
        discussion: """
            Only for instances that VERS_URL names; the instance of this machine needs no login.

            EXAMPLES
              VERS_URL=https://api.example.com vers login
              vers login -t "$KEY"
              vers login --git            (by address and SSH key, as 'vers signup')
            """
    )

    @Option(name: .shortAndLong, help: "The API key; asked for when absent.")
    var token: String?
    @Flag(help: "Sign in with git's user.email and your SSH public key; the server's administrator approves it.")
    var git = false
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !git || token == nil else { throw ValidationError("--git and --token exclude each other") }
    }

    func run() async throws {
        let context = common.context
        if git { return try await ShellRegistration().run(context) }
        let key = try await givenKey(context).trimmed
        guard !key.isEmpty else { throw VersError(.invalidArgument, "the API key is empty") }
        let client = try await client(context, key: key)
        do {
            try await VersClient.with(client) { _ = try await $0.machines() }
        } catch let error as VersError where error.code == .unauthenticated || error.code == .forbidden {
            throw VersError(error.code, "invalid API key: the server refused it", hint: "check the key and VERS_URL")
        }
        let file = CredentialsFile(context)
        try file.save(apiKey: key)
        context.print("\u{2713} API key saved to \(file.path)")
    }

    private func givenKey(_ context: CommandContext) async throws -> String {
        if let token { return token }
        context.errorOutput.write("API key: ")
        let key = await Blocking.run { [context] in HiddenInput.readLine(context) }
        guard let key else { throw VersError(.cancelled, "Operation cancelled") }
        return key
    }

    private func client(_ context: CommandContext, key: String) async throws -> VersClient {
        let environment = try DotEnv.environment(of: context)
        if let url = environment["VERS_URL"], !url.isEmpty {
            return try VersClient(baseURL: try InstanceLocator.origin(url), apiKey: key)
        }
        let home = InstanceHome(context, environment: environment)
        guard let record = try home.runningDaemon() else {
            throw VersError(
                .unreachable,
                "VERS_URL is not set and no daemon runs for \(home.path)",
                hint: "set VERS_URL to the instance that the key is for"
            )
        }
        return try InstanceLocator(context).makeClient(record, key: key)
    }
}

/// A line that is typed without being shown.
enum HiddenInput {
    /// Blocks. Nil at the end of input.
    static func readLine(_ context: CommandContext) -> String? {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else {
            defer { context.note("") }
            return context.readLine()
        }
        var silent = settings
        silent.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
        defer {
            tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
            context.note("")
        }
        return context.readLine()
    }
}
