import ArgumentParser
import VersAPI
import VersClient

/// `vers label replace`.
struct LabelReplace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace",
        abstract: "Give a VM these labels in place of those it has.",
        discussion: """
            EXAMPLES
              vers label replace web role=backend
            """
    )

    @OptionGroup var change: LabelChange

    func run() async throws {
        try await change.run { client, labels, id in try await client.replaceLabels(labels, of: id) }
    }
}
