import ArgumentParser
import VersAPI
import VersClient

/// `vers label list`.
struct LabelList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the labels of a VM.",
        discussion: """
            With -q the names, one per line.

            EXAMPLES
              vers label list
              vers label list web --format json
            """,
        aliases: ["ls"]
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let labels = try await session.client.machine(id).labels ?? [:]
            let result = LabelResult(vm_id: id, labels: labels)
            try Rendering(json: result, ids: labels.keys.sorted()) { result.lines }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }
}
