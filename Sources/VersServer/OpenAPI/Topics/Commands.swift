import VersAPI

extension TopicDescription {
    static let commands = TopicDescription(
        name: "Commands",
        about: "Commands in VMs: run, follow, feed, signal, and their journal.",
        operations: [
            .post("/vm/{vm_id}/exec", "exec_vm", "Run a command and wait for its end.")
                .usesGuest().body(.named("ExecRequest")).answers(200, .named("ExecResult"))
                .header("X-Exec-Id", "The command's id.").fails(.alreadyExists, .payloadTooLarge, .resourceExhausted),
            .post("/vm/{vm_id}/exec/stream", "exec_vm_stream", "Run a command and follow it.")
                .usesGuest().body(.named("ExecRequest")).answersLines(of: .named("ExecEvent"))
                .header("X-Exec-Id", "The command's id.").fails(.alreadyExists, .resourceExhausted),
            .post("/vm/{vm_id}/exec/stream/attach", "exec_vm_stream_attach", "Follow a command that was started.")
                .usesGuest().body(.named("AttachRequest")).answersLines(of: .named("ExecEvent"))
                .header("X-Exec-Id", "The command's id."),
            .post("/vm/{vm_id}/exec/{exec_id}/stdin", "exec_vm_stdin", "Feed a command's standard input.")
                .usesGuest().query("eof", Schema.boolean.standard(false), "end the input after these bytes")
                .bytes("The bytes, as they are.").answersNothing(),
            .post("/vm/{vm_id}/exec/{exec_id}/resize", "exec_vm_resize", "Resize a command's terminal.")
                .usesGuest().body(.named("TerminalSize")).answersNothing(),
            .post("/vm/{vm_id}/exec/{exec_id}/signal", "exec_vm_signal", "Signal a command's process group.")
                .usesGuest().body(.object(["signal": .integer(1...64)])).answersNothing(),
            .get("/vm/{vm_id}/logs", "vm_logs", "The journal of commands' output.")
                .usesGuest()
                .query("offset", Schema.integer(0...Int.max).standard(0), "where to go on: `next_offset`")
                .query(
                    "max_entries",
                    Schema.integer(1...TransferLimit.logEntries).standard(1000),
                    "how many entries at most"
                )
                .query("stream", stream, "one of the streams only").answers(200, .named("LogPage")),
        ],
        schemas: [
            "ExecRequest": execRequest, "TerminalSize": terminalSize, "ExecEvent": .any(of: events),
            "ExecResult": .object(
                [
                    "exit_code": .integer(Int(Int32.min)...Int(Int32.max)), "stdout": .string, "stderr": .string,
                ],
                optional: ["exec_id": .uuid]
            ),
            "AttachRequest": .object(
                ["exec_id": .uuid],
                optional: [
                    "cursor": Schema.integer(0...Int.max).about("Go on after it. Absent: everything."),
                    "from_latest": Schema.boolean.about("Only what comes from now on. Excludes `cursor`."),
                ]
            ),
            "LogEntry": .object(
                ["timestamp": .timestamp, "stream": stream, "data_b64": .base64],
                optional: ["exec_id": .uuid]
            ),
            "LogPage": .object(["entries": .array(of: .named("LogEntry")), "eof": .boolean, "next_offset": .count]),
        ]
    )

    private static let stream = Schema.choice(["stdout", "stderr"])

    private static let terminalSize = Schema.object(["columns": .integer(1...65_535), "rows": .integer(1...65_535)])

    private static let execRequest = Schema.object(
        [
            "command": Schema.array(of: .string, minimum: 1).about("An argument vector, not a shell line.")
                .example(["true"])
        ],
        optional: [
            "env": .map(of: .string), "stdin": .string, "working_dir": .string,
            "timeout_secs": Schema.integer(0...Int.max).about("0 or absent: none."),
            "exec_id": Schema.uuid.about("Absent: one is made."),
            "tty": Schema.named("TerminalSize").about("Run on a terminal of this size."),
            "keep_stdin_open": Schema.boolean.about("Input comes from `POST …/stdin`."),
            "toolbox": Schema.boolean.about(
                "Run with the agent's own busybox; nothing of the output is kept, and it ends with its follower."
            ),
        ]
    )

    private static let events: [Schema] = [
        .object([
            "type": .choice(["chunk"]), "stream": stream, "data_b64": .base64, "cursor": .count, "exec_id": .uuid,
            "timestamp": .timestamp,
        ]),
        .object([
            "type": .choice(["exit"]), "exit_code": .integer(Int(Int32.min)...Int(Int32.max)), "cursor": .count,
            "exec_id": .uuid,
        ]),
        .object(["type": .choice(["error"]), "code": .string, "message": .string]),
    ]
}
