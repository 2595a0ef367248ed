import VersAPI

extension TopicDescription {
    static let domainNames = TopicDescription(
        name: "Domains",
        about: "DNS names that are bound to VMs.",
        operations: [
            .get("/domains", "list_domains", "List the names.").query("vm_id", .uuid, "those of one VM only")
                .answers(200, .array(of: .named("Domain"))).fails(.notFound),
            .post("/domains", "create_domain", "Bind a name to a VM.")
                .body(.object(["domain": .string(length: 1...253), "vm_id": .uuid]))
                .answers(201, .named("Domain")).fails(.alreadyExists, .notFound),
            .get("/domains/{domain_id}", "get_domain", "A name.").answers(200, .named("Domain")),
            .delete("/domains/{domain_id}", "delete_domain", "Release a name.")
                .answers(200, .object(["domain_id": .uuid])),
        ],
        schemas: [
            "Domain": .object(["domain_id": .uuid, "domain": .string, "vm_id": .uuid, "created_at": .timestamp])
        ]
    )
}
