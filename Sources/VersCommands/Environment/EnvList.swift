import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

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
                Self.listing.text(of: sorted, for: context.outputStream)
            }.write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    private static var listing: Listing<(key: String, value: String)> {
        Listing(
            none: "No environment variables set.",
            [.init("KEY", width: 18, style: .cyan) { $0.key }, .init("VALUE") { shown($0.value) }]
        )
    }

    private static func shown(_ value: String) -> String {
        let line = value.withoutControlCharacters
        return line.count > shownLength ? line.prefix(shownLength - 3) + "..." : line
    }
}
