import ArgumentParser

/// `vers generate-docs`: `docs/cli.md`.
struct GenerateDocs: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate-docs",
        abstract: "Print the reference of the command line as Markdown.",
        shouldDisplay: false
    )

    @OptionGroup var common: CommonOptions

    func run() async throws { common.context.output.write(CommandReference.markdown) }
}
