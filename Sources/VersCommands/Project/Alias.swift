import ArgumentParser
import VersAPI

/// `vers alias`.
struct Alias: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the names given to VMs, or print the id of one.",
        discussion: """
            Names are given by 'run -N', 'run-commit -N' and 'branch -n', and kept in ~/.vers/aliases.json.

            EXAMPLES
              vers alias
              vers alias web
            """
    )

    @Argument(help: "A name.")
    var name: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let aliases = try AliasFile(context).read()
        if let name {
            guard let id = aliases[name] else {
                throw VersError(.notFound, "alias '\(name.prefix(80))' not found", hint: "see 'vers alias'")
            }
            return try Rendering(json: [name: id.text], ids: [id.text]) { id.text }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
        let sorted = aliases.sorted { $0.key < $1.key }
        try Rendering(json: aliases.mapValues(\.text), ids: sorted.map(\.value.text)) {
            sorted.isEmpty ? "No aliases." : sorted.map { "\($0.key) -> \($0.value)" }.joined(separator: "\n")
        }.write(to: context, format: format.format, quiet: quiet.quiet)
    }
}
