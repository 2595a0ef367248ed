import ArgumentParser
import TerminalUI
import VersAPI
import VersClient

/// `vers info`: every property of a VM.
struct Info: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show everything about a VM.",
        discussion: """
            EXAMPLES
              vers info
              vers info web
              vers info web --format json
            """
    )

    @Argument(help: .machineOrHead, completion: .machines)
    var vm: String?
    @OptionGroup var quiet: QuietOptions
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    /// A VM with the names this user gave it and its parent.
    struct Entry: Encodable {
        private enum Key: CodingKey {
            case alias
            case parent_alias
        }

        var metadata: MachineMetadata
        var alias: String?
        var parentAlias: String?

        func encode(to encoder: any Encoder) throws {
            try metadata.encode(to: encoder)
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(alias, forKey: .alias)
            try container.encodeIfPresent(parentAlias, forKey: .parent_alias)
        }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await session.resolver.machine(vm)
            let metadata = try await session.client.metadata(of: id)
            let names = try AliasFile(context).namesByMachine()
            let entry = Entry(
                metadata: metadata,
                alias: names[id]?.joined(separator: ", "),
                parentAlias: metadata.grandparent_vm_id.flatMap { names[$0]?.first }
            )
            try Rendering(json: entry, ids: [id.text]) { Self.text(of: entry) }
                .write(to: context, format: format.format, quiet: quiet.quiet)
        }
    }

    /// One labelled line for each property.
    static func text(of entry: Entry) -> String {
        let vm = entry.metadata
        let reason = vm.state_reason.map { " (\($0))" } ?? ""
        let parent = vm.grandparent_vm_id.map { id in entry.parentAlias.map { "\(id) (\($0))" } ?? id.text }
        let labels = (vm.labels ?? [:]).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var lines: [(label: String, value: String)] = [
            ("VM ID", vm.vm_id.text),
            ("Alias", entry.alias ?? "none"),
            ("State", vm.state.rawValue + reason),
            ("Memory", "\(vm.mem_size_mib) MiB"),
            ("vCPUs", "\(vm.vcpu_count)"),
            ("Disk", "\(vm.fs_size_mib) MiB"),
            ("Image", vm.image_name),
            ("IP", vm.ip),
            ("Network", NetworkText.mode(vm.network)),
            ("Hostname", vm.hostname),
            ("Parent VM", parent ?? "none (root)"),
        ]
        if let egress = NetworkText.egress(vm.network) { lines.append(("Egress", egress)) }
        if let names = vm.network?.names { lines.append(("Names", names.joined(separator: ", "))) }
        lines.append(("Ports", vm.is_private ? "private: for links and keys" : "open to everybody"))
        let rest = "on traffic; rests after \(IdleTimeoutOptions.text(ofSeconds: vm.idle_timeout_secs)) without any"
        lines.append(("Wakes", vm.wake_on_traffic ? rest : "when told to"))
        if let commit = vm.parent_commit_id { lines.append(("Parent commit", commit.text)) }
        if !labels.isEmpty { lines.append(("Labels", labels.joined(separator: ", "))) }
        lines.append(("Owner", vm.owner_id.text))
        lines.append(("Created", Timestamp.short(vm.created_at)))
        if let deleted = vm.deleted_at { lines.append(("Deleted", Timestamp.short(deleted))) }
        lines.append(("Accelerator", "\(vm.accelerator) (\(vm.accelerator_reason))"))
        let width = lines.map(\.label.count).max() ?? 0
        return lines.map { line in
            let padding = String(repeating: " ", count: width - line.label.count + 1)
            return "\(line.label):\(padding)\(line.value.withoutControlCharacters)"
        }.joined(separator: "\n")
    }
}
