import ArgumentParser
import TerminalUI
import VersAPI

/// `vers tag`.
struct Tag: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "Name commits: create, list, move and delete tags.",
        discussion: """
            A tag is a name for a commit that can be moved to another. It stands for the commit wherever one is \
            named: in 'run-commit', 'branch' and 'commit history', for instance. A commit that a tag names is not \
            deleted; deleting the tag leaves the commit.

            EXAMPLES
              vers tag create golden 5e0a1c2b -d "tools installed"
              vers run-commit golden
              vers tag update golden --commit 7fff0001
              vers tag list
              vers tag delete golden
            """,
        subcommands: [TagCreate.self, TagList.self, TagGet.self, TagUpdate.self, TagDelete.self]
    )
}

/// How tags are shown.
enum TagText {
    /// - Parameter none: said where there are none.
    static func table(_ tags: [TagInfo], none: String, for stream: TerminalStream) -> String {
        let listing = Listing<TagInfo>(
            none: none,
            [
                .init("TAG", width: 18, style: .cyan) { $0.tag_name },
                .init("COMMIT", width: 36) { $0.commit_id.text },
                .init("CREATED", width: 20) { Timestamp.short($0.created_at) },
                .init("DESCRIPTION") { $0.description ?? "" },
            ]
        )
        return listing.text(of: tags, for: stream)
    }

    static func lines(of tag: TagInfo, reference: String? = nil) -> String {
        LabelledLines.text([
            ("Tag", tag.tag_name), ("Reference", reference), ("Tag ID", tag.tag_id.text),
            ("Commit", tag.commit_id.text), ("Created", Timestamp.short(tag.created_at)),
            ("Updated", Timestamp.short(tag.updated_at)), ("Description", tag.description),
        ])
    }
}

extension TagInfo {
    /// What a repository's tag has in common with others.
    init(_ tag: RepositoryTagInfo) {
        self.init(
            tag_id: tag.tag_id,
            tag_name: tag.tag_name,
            commit_id: tag.commit_id,
            created_at: tag.created_at,
            updated_at: tag.updated_at,
            description: tag.description
        )
    }
}

/// What a tag is to become. Shared by `tag update` and `repo tag update`.
struct TagChange: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("Move the tag to this commit.", valueName: "commit"))
    var commit: String?
    @Option(name: .shortAndLong, help: "What it is from now on.")
    var description: String?
    @Flag(name: .long, help: "Drop the description.")
    var clearDescription = false

    func validate() throws {
        guard commit != nil || description != nil || clearDescription else {
            throw VersError(
                .invalidArgument,
                "nothing to change: expected --commit, --description or --clear-description"
            )
        }
        guard description == nil || !clearDescription else {
            throw VersError(.invalidArgument, "--description and --clear-description exclude each other")
        }
    }

    func request(_ session: Session) async throws -> TagEditRequest {
        var request = TagEditRequest(description: clearDescription ? .clear : description.map { .set($0) } ?? .keep)
        if let commit { request.commit_id = try await session.resolver.commit(commit) }
        return request
    }
}
