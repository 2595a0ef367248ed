import ArgumentParser

/// `vers key`: API keys.
struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Create, list and revoke API keys.",
        discussion: """
            A key belongs to a user and an organisation, and sees what is in that organisation. The owner of the \
            machine manages every key, admins and owners of an organisation its keys.

            EXAMPLES
              vers key create ci --expires 30d --max-memory 2048 --max-vms 10
              vers key list
              vers key revoke 0b8f5c1e
            """,
        subcommands: [KeyCreate.self, KeyList.self, KeyRevoke.self],
        defaultSubcommand: KeyList.self
    )
}
