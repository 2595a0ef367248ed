import ArgumentParser
import VersAPI
import VersClient

/// `vers label set`.
struct LabelSet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set",
        abstract: "Add labels to a VM, and replace those of the same name.",
        discussion: """
            EXAMPLES
              vers label set role=frontend
              vers label set web role=frontend tier=1
            """
    )

    @OptionGroup var change: LabelChange

    func run() async throws {
        try await change.run { client, labels, id in try await client.upsertLabels(labels, of: id) }
    }
}

/// What `label set` and `label replace` share.
struct LabelChange: ParsableArguments {
    @Argument(
        help: ArgumentHelp("A VM (HEAD when absent) and its labels.", valueName: "[vm] key=value..."),
        completion: .machines
    )
    var words: [String]
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func run(
        _ apply: @Sendable (VersClient, [String: String], MachineID) async throws -> Void
    ) async throws {
        let context = common.context
        let parsed = try LabelWords(parsing: words)
        try await context.withSession { session in
            let id = try await session.resolver.machine(parsed.vm)
            try await apply(session.client, parsed.labels, id)
            let labels = try await session.client.machine(id).labels ?? [:]
            let result = LabelResult(vm_id: id, labels: labels)
            try Rendering(json: result) { "\u{2713} Labels of VM '\(session.name(of: id))':\n\(result.lines)" }
                .write(to: context, format: format.format)
        }
    }
}
