/// `GET /api/v1/system/version`.
public struct VersionResponse: Codable, Sendable, Equatable {
    public var executable_name: String
    public var workspace_version: String
    public var git_hash: String

    public init(executable_name: String, workspace_version: String, git_hash: String) {
        self.executable_name = executable_name
        self.workspace_version = workspace_version
        self.git_hash = git_hash
    }
}

/// `GET /health`. Totals count from the start of the daemon.
public struct HealthResponse: Codable, Sendable, Equatable {
    public var status: String
    public var http: HTTPCounters
    public var exec: StreamCounters
    /// The same as those of the front door; the public API has them here.
    public var ssh: DoorConnectionCounters
    public var websocket: DoorConnectionCounters
    public var front_door: FrontDoorCounters

    public init(
        status: String,
        http: HTTPCounters,
        exec: StreamCounters,
        ssh: DoorConnectionCounters,
        websocket: DoorConnectionCounters,
        front_door: FrontDoorCounters
    ) {
        self.status = status
        self.http = http
        self.exec = exec
        self.ssh = ssh
        self.websocket = websocket
        self.front_door = front_door
    }
}

public struct HTTPCounters: Codable, Sendable, Equatable {
    public var connections_total: UInt64
    public var connections_active: UInt64
    public var requests_total: UInt64
    public var requests_active: UInt64

    public init(
        connections_total: UInt64 = 0,
        connections_active: UInt64 = 0,
        requests_total: UInt64 = 0,
        requests_active: UInt64 = 0
    ) {
        self.connections_total = connections_total
        self.connections_active = connections_active
        self.requests_total = requests_total
        self.requests_active = requests_active
    }
}

/// Commands that somebody follows: streams, attachments, and synchronous calls that wait.
public struct StreamCounters: Codable, Sendable, Equatable {
    public var streams_total: UInt64
    public var streams_active: UInt64

    public init(streams_total: UInt64 = 0, streams_active: UInt64 = 0) {
        self.streams_total = streams_total
        self.streams_active = streams_active
    }
}
