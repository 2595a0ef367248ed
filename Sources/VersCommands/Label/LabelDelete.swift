import ArgumentParser
import VersAPI
import VersClient

/// `vers label delete`.
struct LabelDelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove labels from a VM.",
        discussion: """
            One word is a label of HEAD; of several the first is the VM.

            EXAMPLES
              vers label delete tier
              vers label delete web role tier
            """,
        aliases: ["rm"]
    )

    @Argument(
        help: ArgumentHelp("A VM (HEAD when absent) and names of labels.", valueName: "[vm] key..."),
        completion: .machines
    )
    var words: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let vm = words.count > 1 ? words[0] : nil
        let keys = words.count > 1 ? Array(words.dropFirst()) : words
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            try await ItemDeletion(context: context, noun: "label").run(keys, format: format.format) { key in
                guard ResourceName.isValid(key) else {
                    throw VersError(
                        .invalidArgument,
                        "invalid label name '\(key.prefix(80))': expected \(ResourceName.expectation)"
                    )
                }
                try await session.client.removeLabel(key, of: id)
                return key
            }
        }
    }
}
