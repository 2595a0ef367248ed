import VersAPI

extension TopicDescription {
    static let commits = TopicDescription(
        name: "Commits",
        about: "Frozen states of VMs.",
        operations: [
            .get("/commits", "list_commits", "List commits, the newest first.").paged()
                .answers(200, .named("CommitPage")),
            .get("/commits/public", "list_public_commits", "List public commits, the newest first.").paged()
                .answers(200, .named("CommitPage")),
            .get("/commits/{commit_id}", "get_commit", "A commit.").path("commit_id", commitName)
                .answers(200, .named("Commit")),
            .patch("/commits/{commit_id}", "update_commit", "Show or hide a commit, name it, describe it.")
                .body(.named("CommitEdit")).answers(200, .named("Commit")).fails(.conflict),
            .delete("/commits/{commit_id}", "delete_commit", "Delete a commit that nothing needs.")
                .answersNoContent().fails(.inUse),
            .get("/vm/commits/{commit_id}/parents", "list_parent_commits", "A commit and those it came from.")
                .answers(200, .array(of: .named("CommitEntity"))),
        ],
        schemas: [
            "Commit": commit(id: "commit_id"), "CommitEntity": commit(id: "id"),
            "CommitPage": .object([
                "commits": .array(of: .named("Commit")), "total": .count, "limit": .count, "offset": .count,
            ]),
            "CommitEdit": .object(
                ["is_public": .boolean],
                optional: ["name": .name, "description": description]
            ),
        ]
    )

    private static func commit(id: String) -> Schema {
        .object(
            [id: .uuid, "owner_id": .uuid, "name": .string, "is_public": .boolean, "created_at": .timestamp],
            optional: [
                "description": .string, "parent_vm_id": Schema.uuid.about("The VM that it was taken from."),
                "grandparent_commit_id": Schema.uuid.about("The commit that this VM was started from."),
            ]
        )
    }
}

extension OperationDescription {
    /// Takes the page of a list.
    func paged() -> Self {
        query("limit", Schema.integer(1...100).standard(50), "how many at most")
            .query("offset", Schema.integer(0...Int(Int32.max)).standard(0), "how many to pass over")
    }
}
