import VersAPI

extension TopicDescription {
    static let system = TopicDescription(
        name: "System",
        about: "The server itself.",
        operations: [
            .get("/system/version", "version_handler", "The server's version.").answers(200, .named("Version")),
            .get("/system/front-door", "get_front_door", "How to reach VMs from outside.")
                .answers(200, .named("FrontDoor")),
            .get("//health", "health", "Whether the server answers, and what it has to do.")
                .answers(200, .named("Health")),
            .get("//openapi.json", "openapi", "This document.").answers(200, .anything),
            .get("//docs", "docs", "This document, for people.").answersText("text/html"),
        ],
        schemas: [
            "Version": .object(["executable_name": .string, "workspace_version": .string, "git_hash": .string]),
            "Health": .object([
                "status": .string,
                "http": .object([
                    "connections_total": .count, "connections_active": .count, "requests_total": .count,
                    "requests_active": .count,
                ]),
                "exec": .object(["streams_total": .count, "streams_active": .count]),
                "ssh": doorCounters,
                "websocket": doorCounters,
                "front_door": .object([
                    "ssh": doorCounters, "http": doorCounters, "websocket": doorCounters, "tunnel": doorCounters,
                    "other": doorCounters, "refused_total": .count,
                ]),
            ]),
            "FrontDoor": .object(
                [
                    "is_listening": .boolean, "address": .string, "domain": .string,
                    "extra_ports": Schema.array(of: port).about("Each leads to the same port of the guest."),
                ],
                optional: [
                    "port": port,
                    "ca_certificate": Schema.string.about("Of the instance's own authority, in PEM form."),
                    "problem": Schema.string.about("What keeps it, or one of its ports, from listening."),
                ]
            ),
        ]
    )

    private static let port = Schema.integer(1...65_535)

    private static let doorCounters = Schema.object([
        "connections_total": .count, "connections_active": .count,
        "errors": Schema.map(of: .count).about("Guests that took no connection, by error code."),
    ])
}
