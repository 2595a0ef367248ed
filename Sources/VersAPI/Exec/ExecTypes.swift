/// `POST /vm/{id}/exec` and `/exec/stream`.
public struct ExecRequest: Codable, Sendable {
    /// An argument vector, not a shell line; at least one element.
    public var command: [String]
    public var env: [String: String]?
    public var stdin: String?
    public var working_dir: String?
    /// Seconds; 0 or absent means no limit.
    public var timeout_secs: UInt64?
    public var exec_id: ExecID?
    /// Ours: run on a pseudo-terminal of this size; stdout and stderr then arrive as one stream.
    public var tty: TerminalSize?
    /// Ours: stdin stays open after `stdin` and is fed by `POST /exec/{exec_id}/stdin`.
    public var keep_stdin_open: Bool?
    /// Ours: run with the busybox that the VM's agent brings, `command` beginning with the name of its tool. It needs
    /// nothing of the image, nothing of its output is kept, and it gets SIGHUP when nobody follows it any more.
    public var toolbox: Bool?

    public init(
        command: [String],
        env: [String: String]? = nil,
        stdin: String? = nil,
        working_dir: String? = nil,
        timeout_secs: UInt64? = nil,
        exec_id: ExecID? = nil,
        tty: TerminalSize? = nil,
        keep_stdin_open: Bool? = nil,
        toolbox: Bool? = nil
    ) {
        self.command = command
        self.env = env
        self.stdin = stdin
        self.working_dir = working_dir
        self.timeout_secs = timeout_secs
        self.exec_id = exec_id
        self.tty = tty
        self.keep_stdin_open = keep_stdin_open
        self.toolbox = toolbox
    }
}

/// The size of a terminal in character cells.
public struct TerminalSize: Codable, Sendable, Hashable {
    public var columns: UInt16
    public var rows: UInt16

    public init(columns: UInt16, rows: UInt16) {
        self.columns = columns
        self.rows = rows
    }
}

/// The answer of `POST /vm/{id}/exec`. A non-zero exit is still a success of the call.
public struct ExecResponse: Codable, Sendable, Equatable {
    public var exit_code: Int32
    public var stdout: String
    public var stderr: String
    public var exec_id: ExecID?

    public init(exit_code: Int32, stdout: String, stderr: String, exec_id: ExecID?) {
        self.exit_code = exit_code
        self.stdout = stdout
        self.stderr = stderr
        self.exec_id = exec_id
    }
}

/// `POST /vm/{id}/exec/stream/attach`.
public struct AttachRequest: Codable, Sendable {
    public var exec_id: ExecID
    /// Exclusive: the stream goes on after this cursor. Absent means the whole backlog.
    public var cursor: UInt64?
    /// Only what comes from now on.
    public var from_latest: Bool?

    public init(exec_id: ExecID, cursor: UInt64? = nil, from_latest: Bool? = nil) {
        self.exec_id = exec_id
        self.cursor = cursor
        self.from_latest = from_latest
    }
}

public enum OutputStream: String, Codable, Sendable {
    case stdout
    case stderr
}

/// One line of an exec stream (`application/x-ndjson`).
public enum ExecEvent: Sendable, Equatable {
    case chunk(stream: OutputStream, data: [UInt8], cursor: UInt64, execID: ExecID, timestamp: String)
    case exit(code: Int32, cursor: UInt64, execID: ExecID)
    case error(code: ErrorCode, message: String)
}

/// One entry of `GET /vm/{id}/logs`.
public struct LogEntry: Codable, Sendable, Equatable {
    /// RFC 3339.
    public var timestamp: String
    public var stream: OutputStream
    public var data_b64: String
    public var exec_id: ExecID?

    public init(timestamp: String, stream: OutputStream, data_b64: String, exec_id: ExecID?) {
        self.timestamp = timestamp
        self.stream = stream
        self.data_b64 = data_b64
        self.exec_id = exec_id
    }
}

public struct LogPage: Codable, Sendable {
    public var entries: [LogEntry]
    public var eof: Bool
    public var next_offset: UInt64

    public init(entries: [LogEntry], eof: Bool, next_offset: UInt64) {
        self.entries = entries
        self.eof = eof
        self.next_offset = next_offset
    }
}

/// `GET /vm/{id}/files?path=…`.
public struct FileContent: Codable, Sendable {
    public var content_b64: String

    public init(content_b64: String) { self.content_b64 = content_b64 }
}

/// `PUT /vm/{id}/files`.
public struct WriteFileRequest: Codable, Sendable {
    public static let defaultMode: UInt32 = 0o644

    public var path: String
    public var content_b64: String
    public var mode: UInt32?
    public var create_dirs: Bool?

    public init(path: String, content_b64: String, mode: UInt32? = nil, create_dirs: Bool? = nil) {
        self.path = path
        self.content_b64 = content_b64
        self.mode = mode
        self.create_dirs = create_dirs
    }
}
