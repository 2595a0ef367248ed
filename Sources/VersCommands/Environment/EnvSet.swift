import ArgumentParser
import VersAPI
import VersClient

/// `vers env set`.
struct EnvSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Set a variable for VMs that start from now on.",
        discussion: """
            With --stdin the value is read from stdin, without its last line break, so that it shows in no list of \
            processes and no history.

            EXAMPLES
              vers env set REGISTRY registry.example.com
              vers env set TOKEN --stdin < token.txt
            """
    )

    @Argument(help: "Letters, digits and '_', not starting with a digit.")
    var key: String
    @Argument(help: "The value; may be empty.")
    var value: String?
    @Flag(name: .long, help: "Read the value from stdin.")
    var stdin = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    struct Result: Encodable {
        var key: String
    }

    func validate() throws {
        try EnvironmentLimit.check(key: key)
        guard (value == nil) == stdin else {
            throw VersError(
                .invalidArgument,
                stdin ? "both a value and --stdin given" : "no value given for '\(key)'",
                hint: "usage: vers env set <key> <value>, or vers env set <key> --stdin"
            )
        }
    }

    func run() async throws {
        let context = common.context
        let text: String
        if let value {
            text = value
        } else {
            text = try await Blocking.run { try Self.readValue(context) }
        }
        try await context.withSession { session in
            try await session.client.setEnvironmentVariables([key: text])
            try Rendering(json: Result(key: key)) { "\u{2713} Environment variable '\(key)' set" }
                .write(to: context, format: format.format)
        }
    }

    /// All lines of stdin. The server refuses what is too long; more than its limit is not even read.
    private static func readValue(_ context: CommandContext) throws -> String {
        var lines: [String] = []
        var length = 0
        while let line = context.readLine() {
            lines.append(line)
            length += line.unicodeScalars.count + 1
            guard length <= EnvironmentLimit.valueLength + 1 else {
                throw VersError(
                    .invalidArgument,
                    "the value is too long: expected at most \(EnvironmentLimit.valueLength) characters"
                )
            }
        }
        return lines.joined(separator: "\n")
    }
}
