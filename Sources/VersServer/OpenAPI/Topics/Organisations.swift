import VersAPI

extension TopicDescription {
    static let organisations = TopicDescription(
        name: "Organisations",
        about: "Who shares VMs and commits, and who wants to.",
        operations: [
            .get("/orgs", "list_orgs", "List the organisations that the caller sees.")
                .answers(200, .object(["orgs": .array(of: .named("Organisation"))])),
            .post("/orgs", "create_org", "Make an organisation.").body(.object(["name": .name]))
                .answers(201, .named("Organisation")).fails(.alreadyExists),
            .get("/orgs/{org_id}", "get_org", "An organisation.").answers(200, .named("Organisation")),
            .delete("/orgs/{org_id}", "delete_org", "Delete an organisation that has nothing.").answersNoContent()
                .fails(.conflict, .inUse),
            .get("/orgs/{org_id}/members", "list_members", "List the members.")
                .answers(200, .object(["members": .array(of: .named("Member"))])),
            .put("/orgs/{org_id}/members", "set_member", "Add a member, or give it another role.")
                .body(.object(["email": .string, "role": role])).answers(200, .named("Member")).fails(.conflict),
            .delete("/orgs/{org_id}/members/{user_id}", "remove_member", "Remove a member.").answersNoContent()
                .fails(.conflict),
            .get("/registrations", "list_registrations", "List who waits for the administrator.")
                .answers(200, .object(["registrations": .array(of: .named("Registration"))])),
            .post("/registrations/{registration_id}/approve", "approve_registration", "Let somebody in.")
                .optionalBody(.object([:], optional: keyLimits.merging(["org_id": .uuid]) { own, _ in own }))
                .answersNothing().fails(.conflict),
            .delete("/registrations/{registration_id}", "reject_registration", "Turn somebody down.")
                .answersNoContent().fails(.conflict),
        ],
        schemas: [
            "Organisation": .object(
                ["org_id": .uuid, "name": .string, "created_at": .timestamp],
                optional: ["role": role.about("The caller's own.")]
            ),
            "Member": .object(["user_id": .uuid, "user_name": .string, "email": .string, "role": role]),
            "Registration": .object([
                "registration_id": .uuid, "email": .string, "ssh_public_key": .string, "is_new_user": .boolean,
                "created_at": .timestamp, "expires_at": .timestamp,
            ]),
        ]
    )
}
