/// `daemon.json` in an instance's home: how to reach the daemon that serves it. Written by `versd` when it listens.
public struct DaemonDescription: Codable, Sendable, Equatable {
    public static let fileName = "daemon.json"

    public var pid: Int32
    /// `http://ADDR:PORT`.
    public var url: String
    /// The path of the API's Unix socket.
    public var socket: String?
    public var version: String?

    public init(pid: Int32, url: String, socket: String?, version: String?) {
        self.pid = pid
        self.url = url
        self.socket = socket
        self.version = version
    }
}
