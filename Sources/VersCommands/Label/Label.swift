import ArgumentParser
import VersAPI

/// `vers label`.
struct Label: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Labels of VMs: names with values, for you and your programs.",
        discussion: """
            The VM comes first; without one, HEAD is meant. 'vers info' shows labels, too.

            EXAMPLES
              vers label set web role=frontend tier=1
              vers label list web
              vers label delete web tier
              vers label replace web role=backend
            """,
        subcommands: [LabelSet.self, LabelList.self, LabelDelete.self, LabelReplace.self]
    )
}

/// The words after `label set` and `label replace`: a VM, or none, and `key=value` pairs.
struct LabelWords: Equatable {
    /// Nil means HEAD.
    var vm: String?
    var labels: [String: String] = [:]

    init(parsing words: [String]) throws {
        var pairs = words[...]
        if let first = pairs.first, !first.contains("=") {
            vm = first
            pairs.removeFirst()
        }
        guard !pairs.isEmpty else {
            throw VersError(
                .invalidArgument,
                "no label given: expected key=value",
                hint: "to remove labels: vers label delete \(vm ?? "<vm>") <key>..."
            )
        }
        for pair in pairs {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, ResourceName.isValid(parts[0]) else {
                throw VersError(
                    .invalidArgument,
                    "invalid label '\(pair.prefix(80))': expected key=value, the key of \(ResourceName.expectation)"
                )
            }
            labels[parts[0]] = parts[1]
        }
    }
}

/// How a VM's labels are shown and written.
struct LabelResult: Encodable {
    var vm_id: MachineID
    var labels: [String: String]

    var lines: String {
        labels.isEmpty
            ? "No labels." : labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: "\n")
    }
}
