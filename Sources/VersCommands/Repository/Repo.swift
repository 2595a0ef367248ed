import ArgumentParser
import TerminalUI
import VersAPI

/// `vers repo`.
struct Repo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "repo",
        abstract: "Group tags in repositories; publish and fork them.",
        discussion: """
            A repository is a named group of tags: 'images:v1' is the tag v1 of the repository images, and stands for \
            its commit wherever one is named. A public repository can be read by everybody as 'org/images', and VMs \
            can be started from what its tags name. Deleting a repository deletes its tags; the commits stay.

            EXAMPLES
              vers repo create images
              vers repo tag create images v1 5e0a1c2b
              vers run-commit images:v1
              vers repo visibility images --public
              vers repo fork acme/images:v1
            """,
        subcommands: [
            RepoCreate.self, RepoList.self, RepoGet.self, RepoVisibility.self, RepoFork.self, RepoDelete.self,
            RepoTag.self,
        ]
    )
}

/// A repository as it is typed: one's own by its name, a public one as `org/name`.
enum RepositoryArgument {
    case own(String)
    case published(name: String, organisation: String)

    init(parsing text: String) throws {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else {
            try ResourceName.checkTagName(text, of: "repository name")
            self = .own(text)
            return
        }
        guard parts.count == 2, ResourceName.isValid(parts[0]), ResourceName.isTagName(parts[1]) else {
            throw VersError(.invalidArgument, "invalid repository '\(text.prefix(160))': expected name or org/name")
        }
        self = .published(name: parts[1], organisation: parts[0])
    }
}
