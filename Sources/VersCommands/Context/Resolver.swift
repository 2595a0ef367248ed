import VersAPI
import VersClient

/// What a command may act on.
enum Target: Hashable, Sendable {
    case machine(MachineID)
    case commit(CommitID)

    var text: String {
        switch self {
        case .machine(let id): id.text
        case .commit(let id): id.text
        }
    }
}

/// Turns what a person types into ids: an alias, a full id, a tag, or the beginning of an id.
///
/// An alias wins over a tag, and both win over a prefix. A full id is not looked up. A prefix has at least 4
/// characters and must fit one thing only.
struct Resolver: Sendable {
    static let minimumPrefixLength = 4

    let context: CommandContext
    let client: VersClient

    /// The VM that `text` names, or HEAD.
    func machine(_ text: String?) async throws -> MachineID {
        guard let text else { return try HeadFile(context).require() }
        if let id = try local(text) { return id }
        guard Self.isPrefix(text) else { throw Self.unknown("VM", text) }
        return try Self.pick(text, among: try await client.machines().map(\.vm_id), noun: "VM")
    }

    /// The VMs that `texts` name, each once; HEAD when there are none.
    func machines(_ texts: [String]) async throws -> [MachineID] {
        guard !texts.isEmpty else { return [try HeadFile(context).require()] }
        var result: [MachineID] = []
        for text in texts {
            let id = try await machine(text)
            if !result.contains(id) { result.append(id) }
        }
        return result
    }

    func commit(_ text: String) async throws -> CommitID {
        if let id = CommitID(text) { return id }
        if let id = try await tagged(text) { return id }
        guard Self.isPrefix(text) else { throw Self.unknown("commit", text) }
        return try Self.pick(text, among: try await client.allCommits().map(\.commit_id), noun: "commit")
    }

    /// A VM or a commit, or HEAD. A full id that belongs to no VM is taken for a commit's.
    func target(_ text: String?) async throws -> Target {
        guard let text else { return .machine(try HeadFile(context).require()) }
        if let id = try AliasFile(context).read()[text] { return .machine(id) }
        let machines = try await client.machines().map(\.vm_id)
        if let id = MachineID(text), machines.contains(id) { return .machine(id) }
        if let id = CommitID(text) { return .commit(id) }
        if let id = try await tagged(text) { return .commit(id) }
        guard Self.isPrefix(text) else { throw Self.unknown("VM or commit", text) }
        let candidates = machines.map(Target.machine) + (try await client.allCommits().map { .commit($0.commit_id) })
        return try Self.pick(text, among: candidates, text: \.text, noun: "VM or commit")
    }

    /// The commit that `text` names by a tag; nil when no tag is called that.
    /// - Throws: `.notFound` for a reference, which can be nothing else.
    private func tagged(_ text: String) async throws -> CommitID? {
        guard let name = CommitName(text) else { return nil }
        do {
            return try await client.commit(named: name).commit_id
        } catch let error as VersError where error.code == .notFound {
            if case .reference = name { throw error }
            return nil
        }
    }

    /// What `text` names without asking the server: an alias or a full id.
    func local(_ text: String) throws -> MachineID? { try AliasFile(context).read()[text] ?? MachineID(text) }

    /// Whether `text` can be the beginning of an id.
    static func isPrefix(_ text: String) -> Bool {
        (minimumPrefixLength..<36).contains(text.utf8.count) && text.utf8.allSatisfy { isIDByte($0) }
    }

    static func pick<ID: ResourceIdentifier>(_ prefix: String, among ids: [ID], noun: String) throws -> ID {
        try pick(prefix, among: ids, text: \.text, noun: noun)
    }

    private static func pick<ID>(
        _ prefix: String,
        among ids: [ID],
        text: (ID) -> String,
        noun: String
    ) throws -> ID {
        let matches = ids.filter { text($0).hasPrefix(prefix.lowercased()) }
        guard let match = matches.first else { throw unknown(noun, prefix) }
        guard matches.count == 1 else {
            let shown = matches.prefix(8).map(text)
            let more = matches.count > shown.count ? " and \(matches.count - shown.count) more" : ""
            throw VersError(
                .invalidArgument,
                "'\(prefix)' is ambiguous: it begins \(shown.joined(separator: ", "))\(more)",
                hint: "type more of the id"
            )
        }
        return match
    }

    private static func hint(about noun: String) -> String {
        switch noun {
        case "commit": "see 'vers commit list' and 'vers tag list'"
        case "image": "see 'vers image list'"
        default: "see 'vers status' and 'vers alias'"
        }
    }

    private static func unknown(_ noun: String, _ text: String) -> VersError {
        VersError(
            .notFound,
            "\(noun) '\(text.prefix(80))' not found: expected \(noun == "commit" ? "a tag" : "an alias"), an id, "
                + "or the first 4 or more characters of one",
            hint: hint(about: noun)
        )
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension VersClient {
    /// Every commit of this owner, page by page.
    func allCommits() async throws -> [CommitInfo] {
        try await Self.all { try await self.commits(limit: CommitPage.maximumLimit, offset: $0) }
    }

    /// Every public commit, page by page.
    func allPublicCommits() async throws -> [CommitInfo] {
        try await Self.all { try await self.publicCommits(limit: CommitPage.maximumLimit, offset: $0) }
    }

    private static func all(_ page: (_ offset: Int) async throws -> CommitPage) async throws -> [CommitInfo] {
        var result: [CommitInfo] = []
        while true {
            let next = try await page(result.count)
            result += next.commits
            if next.commits.isEmpty || result.count >= next.total { return result }
        }
    }
}
