import ArgumentParser
import VersAPI

/// `vers repo tag`.
struct RepoTag: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tag",
        abstract: "The tags of a repository.",
        discussion: """
            The repository comes before the tag, in one word with it, or as --repo: 'images v1', 'images:v1' and \
            '--repo images v1' are the same.

            EXAMPLES
              vers repo tag create images v1 5e0a1c2b
              vers repo tag create images:latest images:v1
              vers repo tag list images
              vers repo tag update images:latest --commit 7fff0001
              vers repo tag delete images v1
            """,
        subcommands: [
            RepoTagCreate.self, RepoTagList.self, RepoTagGet.self, RepoTagUpdate.self, RepoTagDelete.self,
        ]
    )
}

/// `--repo`, the other way to name a repository.
struct RepositoryOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("The repository, when it is not the first word.", valueName: "name"))
    var repo: String?

    /// Takes the repository and a tag from the beginning of `words`.
    /// - Returns: both, and the words after them.
    func tag(in words: [String], usage: String) throws -> (reference: TagReference, rest: [String]) {
        if let repo {
            guard let tag = words.first else { throw Self.missing(usage) }
            return (try Self.reference(repo, tag), Array(words.dropFirst()))
        }
        guard let first = words.first else { throw Self.missing(usage) }
        if first.contains(":") { return (try ReferenceOption.parse(first), Array(words.dropFirst())) }
        guard words.count > 1 else { throw Self.missing(usage) }
        return (try Self.reference(first, words[1]), Array(words.dropFirst(2)))
    }

    /// The same when nothing may follow.
    func onlyTag(in words: [String], usage: String) throws -> TagReference {
        let (reference, rest) = try tag(in: words, usage: usage)
        guard rest.isEmpty else {
            throw VersError(.invalidArgument, "unexpected '\(rest[0].prefix(80))'", hint: "usage: \(usage)")
        }
        return reference
    }

    static func missing(_ usage: String) -> VersError {
        VersError(.invalidArgument, "a word is missing", hint: "usage: \(usage)")
    }

    /// `repository` may be `org/name`.
    private static func reference(_ repository: String, _ tag: String) throws -> TagReference {
        switch try RepositoryArgument(parsing: repository) {
        case .own(let name):
            try ResourceName.checkTagName(tag, of: "tag name")
            return TagReference(repository: name, tag: tag)
        case .published(let name, let organisation):
            try ResourceName.checkTagName(tag, of: "tag name")
            return TagReference(organisation: organisation, repository: name, tag: tag)
        }
    }
}

extension TagReference {
    /// - Throws: `.invalidArgument` for another organisation's tag.
    func requireOwn() throws -> TagReference {
        guard organisation == nil else {
            throw VersError(
                .invalidArgument,
                "'\(self)' is read only: only tags of your own repositories can be changed",
                hint: "name it without the organisation, or fork it: vers repo fork \(self)"
            )
        }
        return self
    }
}
