import VersAPI

extension TopicDescription {
    static let files = TopicDescription(
        name: "Files",
        about: "Single files in VMs.",
        operations: [
            .get("/vm/{vm_id}/files", "read_file_vm", "Read a file.")
                .usesGuest().query("path", path, "an absolute path", isRequired: true)
                .answers(200, .named("FileContent")).fails(.payloadTooLarge, .forbidden),
            .put("/vm/{vm_id}/files", "write_file_vm", "Write a file.")
                .usesGuest().body(.named("WriteFileRequest")).answersNothing()
                .fails(.forbidden, .resourceExhausted, .alreadyExists),
        ],
        schemas: [
            "FileContent": .object(["content_b64": .base64]),
            "WriteFileRequest": .object(
                ["path": path, "content_b64": .base64],
                optional: [
                    "mode": Schema.integer(0...0o7777).standard(.integer(Int(WriteFileRequest.defaultMode)))
                        .about("420 is octal 644."),
                    "create_dirs": Schema.boolean.about("Make the directories that lead to it."),
                ]
            ),
        ]
    )

    private static let path = Schema.string(length: 1...4096, pattern: "^/").example("/etc/hostname")
}
