import VersAPI

extension TopicDescription {
    static let deployments = TopicDescription(
        name: "Deployments",
        about: "Repositories of GitHub. This server has no GitHub App, so that it answers 501.",
        operations: [
            .post("/deploy", "deploy_handler", "Start a VM with a repository's code.")
                .body(.named("DeployRequest")).answers(202, .named("Deployment")).fails(.unsupported)
        ],
        schemas: [
            "DeployRequest": .object(
                ["repo": Schema.string.about("`owner/repo`.").example("owner/repo")],
                optional: ["name": .string, "branch": .string]
            ),
            "Deployment": .object(["project_id": .uuid, "vm_id": .uuid, "status": .string]),
        ]
    )
}
