import ArgumentParser
import VersAPI

/// `vers head`.
struct Head: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the id of the VM that HEAD names.",
        discussion: """
            HEAD is the VM that commands act on when none is named. It belongs to a directory: the file .vers/HEAD. \
            'run' and 'run-commit' move it, 'branch' with --checkout, and 'checkout'; deleting the VM empties it.

            EXAMPLES
              vers head
              vers execute "$(vers head)" -- uptime
            """
    )

    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let head = try HeadFile(context).require()
        try Rendering(json: ["head": head.text]) { head.text }.write(to: context, format: format.format)
    }
}
