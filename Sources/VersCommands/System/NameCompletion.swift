import ArgumentParser
import VersAPI
import VersClient

extension ArgumentHelp {
    static let machineOrHead: Self = "A VM: alias, id or the first characters of it; HEAD when absent."
}

extension CompletionKind {
    /// VMs: aliases and ids.
    static let machines = names { try await $0.machineNames() }
    /// Commits: tags and ids.
    static let commits = names { try await $0.commitNames() }
    /// What can be branched.
    static let machinesOrCommits = names { try await $0.machineNames() + $0.commitNames() }
    /// Names of images.
    static let images = names { try await $0.client.images().images.map(\.image_name) }
    /// Tags of the organisation.
    static let tags = names { try await $0.client.tags().map(\.tag_name) }

    /// What the instance has when the key is pressed. Nothing is started for it, and nothing is said when it fails: the
    /// person is in the middle of a line.
    private static func names(_ list: @escaping @Sendable (NameList) async throws -> [String]) -> Self {
        .custom { _, _, prefix in
            (try? await NameList.within(.seconds(2), CommandContext.current, list))?
                .filter { $0.hasPrefix(prefix) } ?? []
        }
    }
}

/// The names that an instance has at the moment.
private struct NameList: Sendable {
    let context: CommandContext
    let client: VersClient

    static func within(
        _ limit: Duration,
        _ context: CommandContext,
        _ list: @escaping @Sendable (NameList) async throws -> [String]
    ) async throws -> [String] {
        var context = context
        context.environment["VERS_AUTOSTART"] = "0"
        return try await withThrowingTaskGroup(of: [String].self) { [context] group in
            group.addTask {
                try await context.withSession { try await list(NameList(context: context, client: $0.client)) }
            }
            group.addTask {
                try await Task.sleep(for: limit)
                throw VersError(.timedOut, "no answer within \(limit)")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
    }

    /// Aliases of VMs that there are, then all ids.
    func machineNames() async throws -> [String] {
        let machines = try await client.machines().map(\.vm_id)
        let aliases = try AliasFile(context).namesByMachine()
        return machines.flatMap { aliases[$0] ?? [] }.sorted() + machines.map(\.text)
    }

    func commitNames() async throws -> [String] {
        try await client.tags().map(\.tag_name) + client.allCommits().map(\.commit_id.text)
    }
}
