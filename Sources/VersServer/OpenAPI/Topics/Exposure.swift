import VersAPI

extension TopicDescription {
    static let exposure = TopicDescription(
        name: "Exposure",
        about: "Who may connect to a VM's ports through the front door.",
        operations: [
            .get("/vm/{vm_id}/exposure", "get_vm_exposure", "Whether a VM is private.")
                .answers(200, .named("Exposure")),
            .patch("/vm/{vm_id}/exposure", "set_vm_exposure", "Make a VM private, or open it to everybody.")
                .body(.named("Exposure")).answers(200, .named("Exposure")),
            .post("/vm/{vm_id}/link", "create_vm_link", "A link to a port of a private VM, for whoever has it.")
                .body(
                    .object(
                        [:],
                        optional: [
                            "port": .integer(1...65_535),
                            "expires_in_seconds": Schema.integer(LinkRequest.secondsRange)
                                .standard(.integer(LinkRequest.defaultSeconds)),
                        ]
                    )
                )
                .answers(200, .object(["url": .string, "expires_at": .timestamp])).fails(.unavailable),
        ],
        schemas: [
            "Exposure": .object([
                "is_private": Schema.boolean.about("Whether the ports, but for SSH, need a link or a key.")
            ])
        ]
    )
}
