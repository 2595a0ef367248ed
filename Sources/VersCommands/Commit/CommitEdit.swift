import ArgumentParser
import VersAPI
import VersClient

/// `vers commit edit`.
struct CommitEdit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edit",
        abstract: "Change a commit's name, description or visibility; its content never changes.",
        discussion: """
            EXAMPLES
              vers commit edit 5e0a1c2b -n golden -d "tools installed"
              vers commit edit golden --public
              vers commit edit golden --clear-description
            """
    )

    @OptionGroup var commit: CommitArgument
    @Option(name: .shortAndLong, help: "Its name from now on.")
    var name: String?
    @Option(name: .shortAndLong, help: "What it is from now on.")
    var description: String?
    @Flag(name: .long, help: "Drop the description.")
    var clearDescription = false
    @Flag(name: .long, help: "Let everybody start VMs from it.")
    var `public` = false
    @Flag(name: .long, help: "Keep it to the organisation.")
    var `private` = false
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func validate() throws {
        guard !(self.public && self.private) else {
            throw VersError(.invalidArgument, "--public and --private exclude each other")
        }
        guard description == nil || !clearDescription else {
            throw VersError(.invalidArgument, "--description and --clear-description exclude each other")
        }
        guard name != nil || description != nil || clearDescription || self.public || self.private else {
            throw VersError(
                .invalidArgument,
                "nothing to change: expected --name, --description, --clear-description, --public or --private"
            )
        }
    }

    func run() async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await commit.resolve(session)
            let present = try await session.client.commit(id)
            let request = CommitEditRequest(
                is_public: self.public || (present.is_public && !self.private),
                name: name,
                // The server takes an empty description for none.
                description: clearDescription ? "" : description
            )
            let info = try await session.client.editCommit(id, request)
            try Rendering(json: info) {
                "\u{2713} Commit '\(id)' updated\n"
                    + LabelledLines.text([
                        ("Name", info.name), ("Visibility", info.is_public ? "public" : "private"),
                        ("Description", info.description),
                    ])
            }.write(to: context, format: format.format)
        }
    }
}
