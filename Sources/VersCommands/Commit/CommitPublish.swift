import ArgumentParser
import VersAPI
import VersClient

/// What `publish` and `unpublish` share.
struct CommitVisibility: ParsableArguments {
    @OptionGroup var commit: CommitArgument
    @OptionGroup var format: FormatOptions
    @OptionGroup var common: CommonOptions

    func set(isPublic: Bool) async throws {
        let context = common.context
        try await context.withSession { session in
            let id = try await commit.resolve(session)
            let info = try await session.client.editCommit(id, CommitEditRequest(is_public: isPublic))
            try Rendering(json: info) {
                "\u{2713} Commit '\(id)' is now \(isPublic ? "public" : "private")"
            }.write(to: context, format: format.format)
        }
    }
}

/// `vers commit publish`.
struct CommitPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Let everybody start VMs from a commit.",
        discussion: """
            EXAMPLES
              vers commit publish 5e0a1c2b
            """
    )

    @OptionGroup var visibility: CommitVisibility

    func run() async throws { try await visibility.set(isPublic: true) }
}

/// `vers commit unpublish`.
struct CommitUnpublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unpublish",
        abstract: "Keep a commit to its organisation.",
        discussion: """
            EXAMPLES
              vers commit unpublish 5e0a1c2b
            """
    )

    @OptionGroup var visibility: CommitVisibility

    func run() async throws { try await visibility.set(isPublic: false) }
}
