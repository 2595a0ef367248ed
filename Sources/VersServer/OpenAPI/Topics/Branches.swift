import VersAPI

extension TopicDescription {
    static let branches = TopicDescription(
        name: "Branches",
        about: "Forks of running VMs, and VMs from commits. Options are in the query; a body is ignored.",
        operations: [
            branch("/vm/{vm_or_commit_id}/branch", "branch_vm", "Branch a VM, or start VMs from a commit.")
                .path("vm_or_commit_id", commitName).frozen(),
            branch("/vm/branch/by_vm/{vm_id}", "branch_by_vm", "Branch a VM.").frozen().failsAs("BranchError"),
            branch("/vm/branch/by_commit/{commit_id}", "branch_by_commit", "Start VMs from a commit.")
                .failsAs("BranchError"),
            branch("/vm/branch/by_tag/{tag_name}", "branch_by_tag", "Start VMs from what a tag names.")
                .failsAs("BranchError"),
            branch(
                "/vm/branch/by_ref/{repo_name}/{tag_name}",
                "branch_by_ref",
                "Start VMs from what a repository's tag names."
            )
            .failsAs("BranchError"),
        ],
        schemas: ["BranchError": branchError]
    )

    /// What stands for a commit in a path: its id, a tag, or `repository:tag`.
    static let commitName = Schema.any(of: [.uuid, .string(length: 1...260)])

    private static func branch(_ path: String, _ id: String, _ summary: String) -> OperationDescription {
        .post(path, id, summary)
            .query("count", Schema.integer(1...TransferLimit.branchCount).standard(1), "how many VMs")
            .optionalBody(.anything).answers(201, .named("NewVMs")).takesResources()
    }
}

extension OperationDescription {
    /// Takes what a freeze does.
    fileprivate func frozen() -> Self {
        usesGuest().query("keep_paused", Schema.boolean.standard(false), "leave the VM paused")
    }
}
