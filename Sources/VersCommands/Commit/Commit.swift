import ArgumentParser

/// `vers commit`: bare, or with a VM, it creates a commit.
struct Commit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keep a VM's whole state as a commit; list, edit and delete commits.",
        discussion: """
            A commit holds disk, memory and processes. The VM runs on; new VMs start from the commit with \
            'vers run-commit' or 'vers branch'. 'vers commit' and 'vers commit <vm>' are short for \
            'vers commit create'.

            EXAMPLES
              vers commit
              vers commit web -n before-migration
              vers commit list
              vers commit history 5e0a1c2b
              vers commit delete 5e0a1c2b
            """,
        subcommands: [
            CommitCreate.self, CommitList.self, CommitHistory.self, CommitDelete.self, CommitPublish.self,
            CommitUnpublish.self, CommitEdit.self,
        ],
        defaultSubcommand: CommitCreate.self
    )
}
