import VersAPI

extension TopicDescription {
    static let tags = TopicDescription(
        name: "Tags",
        about: "Names for commits that can be moved to others.",
        operations: [
            .get("/commit_tags", "list_tags", "List the tags.").answers(200, .named("TagList")),
            .post("/commit_tags", "create_tag", "Name a commit.").body(.named("NewTagRequest"))
                .answers(201, .named("NewTag")).fails(.alreadyExists, .notFound),
            .get("/commit_tags/{tag_name}", "get_tag", "A tag.").answers(200, .named("Tag")),
            .patch("/commit_tags/{tag_name}", "update_tag", "Move a tag, or describe it anew.")
                .body(.named("TagEdit")).answersNoContent(),
            .delete("/commit_tags/{tag_name}", "delete_tag", "Delete a tag; the commit stays.").answersNoContent(),
        ],
        schemas: tagRequests.merging([
            "Tag": .object(tag, optional: ["description": .string]),
            "TagList": .object(["tags": .array(of: .named("Tag"))]),
            "NewTag": .object(["tag_id": .uuid, "tag_name": .string, "commit_id": .uuid]),
        ]) { own, _ in own }
    )

    /// The fields of every tag.
    static let tag: [String: Schema] = [
        "tag_id": .uuid, "tag_name": .string, "commit_id": .uuid, "created_at": .timestamp,
        "updated_at": Schema.timestamp.about("When it was last moved or described anew."),
    ]

    /// What tags of organisations and of repositories are made of.
    static let tagRequests: [String: Schema] = [
        "NewTagRequest": .object(
            ["tag_name": .name, "commit_id": .uuid],
            optional: ["description": description]
        ),
        "TagEdit": .object(
            [:],
            optional: ["commit_id": .uuid, "description": description.about("Absent: it stays. `null`: it goes.")]
        ),
    ]
}
