import ArgumentParser

/// `vers env`.
struct Env: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Environment variables that every VM is told.",
        discussion: """
            They belong to the organisation. A VM gets them in /etc/environment when it starts, is branched, is \
            started from a commit, or resumed; commands and SSH sessions see them. VMs that run keep what they have. \
            A value of several lines reaches commands of 'vers execute' only.

            EXAMPLES
              vers env set REGISTRY registry.example.com
              vers env list
              vers env delete REGISTRY
            """,
        subcommands: [EnvList.self, EnvSet.self, EnvDelete.self]
    )
}
