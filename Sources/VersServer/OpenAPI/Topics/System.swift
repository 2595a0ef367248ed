import VersAPI

extension TopicDescription {
    static let system = TopicDescription(
        name: "System",
        about: "The server itself.",
        operations: [
            .get("/system/version", "version_handler", "The server's version.").answers(200, .named("Version")),
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
            ]),
        ]
    )
}
