import VersAPI

extension TopicDescription {
    static let keys = TopicDescription(
        name: "Keys",
        about: "API keys, and whom the caller's own stands for.",
        operations: [
            .get("/whoami", "whoami_handler", "Whom the key acts for.").answers(200, .named("WhoAmI")),
            .post("/keys/validate", "validate_key", "Whether the key is valid.").optionalBody(.anything)
                .answers(200, .object(["valid": .boolean, "message": .string])),
            .get("/keys", "list_keys", "List an organisation's keys.")
                .query("org_id", .uuid, "the organisation; absent: the key's own").answers(200, .named("KeyList"))
                .fails(.notFound),
            .post("/keys", "create_key", "Make a key.").body(.named("NewKeyRequest")).answers(201, .named("NewKey"))
                .fails(.notFound, .conflict, .forbidden),
            .delete("/keys/{key_id}", "revoke_key", "Revoke a key.").answersNoContent().fails(.conflict),
        ],
        schemas: [
            "Key": .object(
                [
                    "key_id": .uuid, "label": .string, "org_id": .uuid, "user_id": .uuid, "created_at": .timestamp,
                    "is_administrator": .boolean,
                ],
                optional: keyLimits.merging(["expires_at": .timestamp]) { own, _ in own }
            ),
            "KeyList": .object(["keys": .array(of: .named("Key"))]),
            "NewKeyRequest": .object(
                ["label": .string],
                optional: keyLimits.merging([
                    "org_id": .uuid, "user_email": .string, "expires_at": .timestamp,
                ]) { own, _ in own }
            ),
            "NewKey": .object(["api_key": Schema.string.about("Shown this once."), "key": .named("Key")]),
            "WhoAmI": .object([
                "user": .object(["id": .uuid, "user_name": .string, "email": .string]),
                "org": .object(["id": .uuid, "name": .string], optional: ["role": role]),
                "api_key": .object(
                    ["id": .uuid, "label": .string, "created_at": .timestamp, "is_administrator": .boolean],
                    optional: keyLimits.merging(["expires_at": .timestamp]) { own, _ in own }
                ),
            ]),
        ]
    )

    /// What a key may make.
    static let keyLimits: [String: Schema] = [
        "max_memory_mib": Schema.integer(1...1_048_576).about("Of one VM."),
        "max_vcpus": Schema.integer(1...64).about("Of one VM."),
        "max_vms": Schema.integer(0...1_000_000).about("VMs that the key made and that exist."),
    ]

    static let role = Schema.choice(["member", "admin", "owner"])
}
