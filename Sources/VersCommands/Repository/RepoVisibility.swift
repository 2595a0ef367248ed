import ArgumentParser
import VersAPI
import VersClient

/// `vers repo visibility`.
struct RepoVisibility: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "visibility",
        abstract: "Make a repository public, or private again.",
        discussion: """
            Without --public it becomes private. Everybody may start VMs from the commits that the tags of a public \
            repository name, whether the commits are public or not.

            EXAMPLES
              vers repo visibility images --public
              vers repo visibility images --private
            """
    )

    @Argument(help: "The repository.")
    var name: String
    @Flag(name: .long, help: "Let everybody read it and start from it.")
    var `public` = false
    @Flag(name: .long, help: "Keep it to the organisation; that is what happens without --public, too.")
    var `private` = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        try ResourceName.checkTagName(name, of: "repository name")
        guard !(self.public && self.private) else {
            throw VersError(.invalidArgument, "--public and --private exclude each other")
        }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            try await session.client.setVisibility(ofRepository: name, isPublic: self.public)
            let info = try await session.client.repository(name)
            try Rendering(json: info) {
                "\u{2713} Repository '\(name)' is now \(info.is_public ? "public" : "private")"
            }.write(to: context, format: format.format)
        }
    }
}
