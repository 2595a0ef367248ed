import VersAPI

extension TopicDescription {
    static let repositories = TopicDescription(
        name: "Repositories",
        about: "Named groups of tags.",
        operations: [
            .get("/repositories", "list_repositories", "List the repositories.").answers(200, .named("RepositoryList")),
            .post("/repositories", "create_repository", "Make a repository.").body(.named("NewRepositoryRequest"))
                .answers(201, .named("NewRepository")).fails(.alreadyExists),
            .post("/repositories/fork", "fork_repository", "Start a VM from a public repository, and keep its state.")
                .body(.named("ForkRequest")).answers(201, .named("Fork")).takesResources().fails(.alreadyExists),
            .get("/repositories/{repo_name}", "get_repository", "A repository.").answers(200, .named("Repository")),
            .delete("/repositories/{repo_name}", "delete_repository", "Delete a repository and its tags.")
                .answersNoContent(),
            .patch("/repositories/{repo_name}/visibility", "set_repository_visibility", "Show or hide a repository.")
                .body(.object(["is_public": .boolean])).answersNoContent(),
            .get("/repositories/{repo_name}/tags", "list_repo_tags", "List a repository's tags.")
                .answers(200, .named("RepositoryTagList")),
            .post("/repositories/{repo_name}/tags", "create_repo_tag", "Name a commit in a repository.")
                .body(.named("NewTagRequest")).answers(201, .named("NewRepositoryTag")).fails(.alreadyExists),
            .get("/repositories/{repo_name}/tags/{tag_name}", "get_repo_tag", "A tag of a repository.")
                .answers(200, .named("RepositoryTag")),
            .patch("/repositories/{repo_name}/tags/{tag_name}", "update_repo_tag", "Move a tag, or describe it anew.")
                .body(.named("TagEdit")).answersNoContent(),
            .delete("/repositories/{repo_name}/tags/{tag_name}", "delete_repo_tag", "Delete a tag; the commit stays.")
                .answersNoContent(),
        ],
        schemas: repositorySchemas.merging(repositoryTagSchemas) { own, _ in own }
            .merging(tagRequests) { own, _ in own }
    )

    static let publicRepositories = TopicDescription(
        name: "Public repositories",
        about: "What everybody may look at and fork.",
        operations: [
            .get("/public/repositories", "list_public_repositories", "List the public repositories.")
                .answers(200, .named("PublicRepositoryList")),
            .get("/public/repositories/{org_name}/{repo_name}", "get_public_repository", "A public repository.")
                .answers(200, .named("PublicRepository")),
            .get("/public/repositories/{org_name}/{repo_name}/tags", "list_public_repo_tags", "List its tags.")
                .answers(200, .named("RepositoryTagList")),
            .get(
                "/public/repositories/{org_name}/{repo_name}/tags/{tag_name}",
                "get_public_repo_tag",
                "One of its tags."
            )
            .answers(200, .named("RepositoryTag")),
        ],
        schemas: repositoryTagSchemas.merging([
            "PublicRepository": .object(
                [
                    "repo_id": .uuid, "org_name": .string, "name": .string,
                    "full_name": Schema.string.about("`organisation/name`."), "created_at": .timestamp,
                ],
                optional: ["description": .string]
            ),
            "PublicRepositoryList": .object(["repositories": .array(of: .named("PublicRepository"))]),
        ]) { own, _ in own }
    )

    private static let repositorySchemas: [String: Schema] = [
        "Repository": .object(
            ["repo_id": .uuid, "name": .string, "is_public": .boolean, "created_at": .timestamp],
            optional: ["description": .string]
        ),
        "RepositoryList": .object(["repositories": .array(of: .named("Repository"))]),
        "NewRepositoryRequest": .object(["name": .name], optional: ["description": description]),
        "NewRepository": .object(["repo_id": .uuid, "name": .string]),
        "NewRepositoryTag": .object(["tag_id": .uuid, "commit_id": .uuid, "reference": reference]),
        "ForkRequest": .object(
            ["source_org": .name, "source_repo": .name, "source_tag": .name],
            optional: [
                "repo_name": Schema.name.about("Absent: as the source."),
                "tag_name": Schema.name.about("Absent: as the source."),
            ]
        ),
        "Fork": .object([
            "repo_name": .string, "tag_name": .string, "reference": reference, "commit_id": .uuid,
            "vm_id": Schema.uuid.about("It runs."),
        ]),
    ]

    private static let repositoryTagSchemas: [String: Schema] = [
        "RepositoryTag": .object(
            tag.merging(["reference": reference]) { own, _ in own },
            optional: ["description": .string]
        ),
        "RepositoryTagList": .object(["repository": .string, "tags": .array(of: .named("RepositoryTag"))]),
    ]

    private static let reference = Schema.string.about("`repository:tag`.")
}
