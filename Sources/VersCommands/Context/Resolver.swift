import VersAPI
import VersClient

/// What a command may act on.
enum Target: Hashable, Sendable {
    case machine(MachineID)
    case commit(CommitID)

    /// Nil when it is a commit.
    var machine: MachineID? {
        switch self {
        case .machine(let id): id
        case .commit: nil
        }
    }

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
        guard Self.isPrefix(text) else { throw Self.unknown(.machine, text) }
        return try Self.pick(text, among: try await client.machines().map(\.vm_id), as: .machine)
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
        guard Self.isPrefix(text) else { throw Self.unknown(.commit, text) }
        return try Self.pick(text, among: try await client.allCommits().map(\.commit_id), as: .commit)
    }

    /// A VM or a commit, or HEAD. A full id that belongs to no VM is taken for a commit's.
    func target(_ text: String?) async throws -> Target {
        guard let text else { return .machine(try HeadFile(context).require()) }
        if let id = try AliasFile(context).read()[text] { return .machine(id) }
        let machines = try await client.machines().map(\.vm_id)
        if let id = MachineID(text), machines.contains(id) { return .machine(id) }
        if let id = CommitID(text) { return .commit(id) }
        if let id = try await tagged(text) { return .commit(id) }
        guard Self.isPrefix(text) else { throw Self.unknown(.machineOrCommit, text) }
        let candidates = machines.map(Target.machine) + (try await client.allCommits().map { .commit($0.commit_id) })
        return try Self.pick(text, among: candidates, text: \.text, as: .machineOrCommit)
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

    /// The one of `ids` that begins with `prefix`.
    /// - Throws: `.notFound` when none does or the prefix is too short; `.invalidArgument` when several do.
    static func pick<ID: ResourceIdentifier>(_ prefix: String, among ids: [ID], as kind: Kind) throws -> ID {
        try pick(prefix, among: ids, text: \.text, as: kind)
    }

    private static func pick<ID>(_ prefix: String, among ids: [ID], text: (ID) -> String, as kind: Kind) throws -> ID {
        let matches = isPrefix(prefix) ? ids.filter { text($0).hasPrefix(prefix.lowercased()) } : []
        guard let match = matches.first else { throw unknown(kind, prefix) }
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

    static func unknown(_ kind: Kind, _ text: String) -> VersError {
        VersError(
            .notFound,
            "\(kind.noun) '\(text.prefix(kind.shownLength))' not found: expected \(kind.name.map { "\($0), " } ?? "")an id, "
                + "or the first 4 or more characters of one",
            hint: kind.hint
        )
    }

    /// What a person names.
    enum Kind {
        case machine, commit, machineOrCommit, image, key, registration

        var noun: String {
            switch self {
            case .machine: "VM"
            case .commit: "commit"
            case .machineOrCommit: "VM or commit"
            case .image: "image"
            case .key: "key"
            case .registration: "registration"
            }
        }

        /// What it may be named by beside its id.
        fileprivate var name: String? {
            switch self {
            case .machine: "an alias"
            case .commit: "a tag"
            case .machineOrCommit: "an alias, a tag"
            case .image: "a name"
            case .key, .registration: nil
            }
        }

        fileprivate var hint: String {
            switch self {
            case .machine, .machineOrCommit: "see 'vers status' and 'vers alias'"
            case .commit: "see 'vers commit list' and 'vers tag list'"
            case .image: "see 'vers image list'"
            case .key: "see 'vers key list'"
            case .registration: "see 'vers registration list'"
            }
        }

        /// Of what was typed: it may be a whole key, and the message may end in a log.
        fileprivate var shownLength: Int { self == .key ? 8 : 80 }
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
