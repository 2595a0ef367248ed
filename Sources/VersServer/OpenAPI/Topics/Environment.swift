import VersAPI

extension TopicDescription {
    static let environment = TopicDescription(
        name: "Environment",
        about: "Variables that new VMs find in their environment.",
        operations: [
            .get("/env_vars", "list_env_vars", "All variables.").answers(200, .named("Variables")),
            .put("/env_vars", "set_env_vars", "Set variables.")
                .body(.object(["vars": variables], optional: ["replace": Schema.boolean.about("Remove all others.")]))
                .answers(200, .named("Variables")).fails(.conflict),
            .delete("/env_vars/{key}", "delete_env_var", "Remove a variable.").path("key", .string(length: 1...256))
                .answersNoContent(),
        ],
        schemas: ["Variables": .object(["vars": .map(of: .string)])]
    )

    private static let variables = Schema.map(of: .string(length: 0...8192))
        .about("Names are 1 to 256 letters, digits or '_', not starting with a digit.")
}
