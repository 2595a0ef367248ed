import ArgumentParser
import VersAPI
import VersClient

/// One commit, as every command that takes one is told it.
struct CommitArgument: ParsableArguments {
    @Argument(
        help: "The commit: a tag, repo:tag, its id, or the first characters of its id.",
        completion: .commits
    )
    var commit: String?
    @OptionGroup var reference: ReferenceOption

    /// - Throws: `.invalidArgument` unless it is named once.
    func validate() throws {
        // 'repo:tag --ref', as others write it.
        if commit != nil, reference.ref == ReferenceOption.withoutValue { return }
        guard (commit == nil) != (reference.ref == nil) else {
            throw VersError(
                .invalidArgument,
                commit == nil ? "no commit given: expected a commit, or --ref" : "both a commit and --ref given",
                hint: "see 'vers commit list', 'vers tag list' and 'vers repo list'"
            )
        }
    }

    func resolve(_ session: Session) async throws -> CommitID {
        if let id = try await reference.resolve(session, of: commit) { return id }
        return try await session.resolver.commit(commit ?? "")
    }
}

/// `--ref`: a commit by a repository's tag and nothing else. Without a value it says that of the commit's argument.
struct ReferenceOption: ParsableArguments {
    static let withoutValue = ""

    @Option(
        name: .long,
        defaultAsFlag: Self.withoutValue,
        parsing: .next,
        help: ArgumentHelp("The commit that a repository's tag names.", valueName: "[org/]repo:tag")
    )
    var ref: String? = nil

    /// Nil when it is not given.
    /// - Parameter argument: the commit's, for an option without a value.
    func resolve(_ session: Session, of argument: String?) async throws -> CommitID? {
        guard let ref else { return nil }
        let text = ref == Self.withoutValue ? argument ?? "" : ref
        return try await session.client.commit(named: .reference(try Self.parse(text))).commit_id
    }

    static func parse(_ text: String) throws -> TagReference {
        guard let reference = TagReference(text) else {
            throw VersError(
                .invalidArgument,
                "invalid reference '\(text.prefix(200))': expected repo:tag or org/repo:tag"
            )
        }
        return reference
    }
}
