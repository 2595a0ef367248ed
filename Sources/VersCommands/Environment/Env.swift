import ArgumentParser
import Foundation
import TerminalUI
import VersAPI
import VersClient

/// `vers env`.
struct Env: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Environment variables that every VM is told.",
        discussion: """
            They belong to the organisation. A VM gets them in /etc/environment when it starts, is branched, is \
            started from a commit, or resumed; commands and SSH sessions see them. VMs that run keep what they have. \
            A value of several lines reaches commands of 'vers execute' only.

            EXAMPLES
              vers env set REGISTRY registry.example.com
              vers env list
              vers env delete REGISTRY
            """,
        subcommands: [EnvList.self, EnvSet.self, EnvDelete.self]
    )
}

/// `vers env list`.
struct EnvList: AsyncParsableCommand {
    private static let shownLength = 50

    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the variables; long values are cut.",
        discussion: """
            With --format json the values are whole, with -q only the names are shown.

            EXAMPLES
              vers env list
              vers env list --format json
            """,
        aliases: ["ls"]
    )

    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let variables = try await session.client.environmentVariables()
            let sorted = variables.sorted { $0.key < $1.key }
            try Rendering(json: variables, ids: sorted.map(\.key)) {
                guard !sorted.isEmpty else { return "No environment variables set." }
                var table = Table([.init("KEY", minimumWidth: 18), .init("VALUE")])
                for (key, value) in sorted { table.append([StyledText(key, .cyan), StyledText(Self.shown(value))]) }
                return table.rendered(for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static func shown(_ value: String) -> String {
        let line = value.withoutControlCharacters
        return line.count > shownLength ? line.prefix(shownLength - 3) + "..." : line
    }
}

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

/// `vers env delete`.
struct EnvDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete variables; VMs lose them when they are started or resumed the next time.",
        discussion: """
            EXAMPLES
              vers env delete REGISTRY
            """,
        aliases: ["del", "rm", "remove"]
    )

    @Argument(help: "The variables.")
    var keys: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let deletion = ItemDeletion(context: context, noun: "environment variable")
            try await deletion.run(keys, format: format.format) { key in
                try EnvironmentLimit.check(key: key)
                try await session.client.deleteEnvironmentVariable(key)
                return key
            }
        }
    }
}
