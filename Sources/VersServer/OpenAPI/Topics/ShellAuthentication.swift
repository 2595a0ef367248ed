import VersAPI

extension TopicDescription {
    static let shellAuthentication = TopicDescription(
        name: "Registration",
        about: "Signing up and in from a shell: ask, have the administrator approve, make a key.",
        operations: [
            .post("//api/shell-auth", "shell_auth", "Ask to be let in.")
                .body(.object(registrant, optional: ["bind_nonce": .boolean]))
                .answers(200, .named("RegistrationStarted")).fails(.conflict, .forbidden, .resourceExhausted),
            .post("//api/shell-auth/verify-key", "verify_key", "Whether one was let in; 401 as long as one was not.")
                .verifies(),
            .post("//api/shell-auth/verify-public-key", "verify_public_key", "The same.").verifies(),
            .post("//api/shell-auth/api-keys", "create_shell_auth_key", "Make a key of an approval, once.")
                .body(
                    .object(
                        registrant.merging(["label": .string]) { own, _ in own },
                        optional: ["org_name": .string, "nonce": .string]
                    )
                )
                .answers(200, .named("ShellAuthKey")).fails(.unauthenticated, .notFound, .conflict, .forbidden),
        ],
        schemas: [
            "NotVerified": notVerified,
            "RegistrationStarted": .object(
                registrant.merging([
                    "success": .boolean, "user_id": .uuid, "is_new_user": .boolean, "nonce": .string,
                    "already_verified": .boolean, "registration_id": .uuid,
                ]) { own, _ in own }
            ),
            "Verified": .object([
                "verified": .boolean, "is_active": .boolean, "user_id": .uuid, "key_id": .uuid,
                "orgs": .array(of: .object(["org_id": .uuid, "name": .string, "role": role])),
            ]),
            "ShellAuthKey": .object([
                "success": .boolean, "api_key": .string, "api_key_id": .uuid, "org_id": .uuid, "org_name": .string,
            ]),
        ]
    )

    fileprivate static let registrant: [String: Schema] = ["email": .string, "ssh_public_key": .string]
}

extension OperationDescription {
    fileprivate func verifies() -> Self {
        body(.object(TopicDescription.registrant, optional: ["nonce": .string])).answers(200, .named("Verified"))
            .fails(.unauthenticated, .conflict).failsAs("NotVerified", at: 401)
    }
}
