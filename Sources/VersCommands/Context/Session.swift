import VersAPI
import VersClient

/// A command's connection to its instance.
struct Session: Sendable {
    let context: CommandContext
    let client: VersClient

    var resolver: Resolver { Resolver(context: context, client: client) }

    /// How a VM is called in messages: its alias when it has one, else its id.
    func name(of id: MachineID) -> String {
        // A broken alias file spoils no message; commands that need it report it.
        (try? AliasFile(context).namesByMachine()[id]?.first) ?? id.text
    }
}

extension CommandContext {
    /// Connects to the instance that the environment names, or to this user's own, which is started when needed.
    func withSession<Result: Sendable>(_ body: (Session) async throws -> Result) async throws -> Result {
        let locator = InstanceLocator(self)
        let client = try await locator.connect()
        return try await locator.explaining {
            try await VersClient.with(client) { try await body(Session(context: self, client: $0)) }
        }
    }
}
