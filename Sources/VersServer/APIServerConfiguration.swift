public import SystemPackage
public import VersAPI

/// Where the API listens, and how patient it is with clients.
public struct APIServerConfiguration: Sendable {
    public static let defaultIdleTimeout: Duration = .seconds(30)
    public static let defaultBodyTimeout: Duration = .seconds(120)
    public static let defaultLingerTimeout: Duration = .seconds(5)
    public static let defaultMaximumConnections = 2048
    /// What the kernel takes as the path of a Unix socket.
    public static let socketPathLimitInBytes = 107

    /// A numeric address or a host name. Keep it on the loopback: the API speaks plain HTTP.
    public var host: String
    /// 0 picks a free port.
    public var port: Int
    /// A second listener. Its parent directory must exist and should be private; the socket gets mode 0600, and a
    /// dead socket of the same name is replaced. At most ``socketPathLimitInBytes`` long.
    public var unixSocket: FilePath?
    /// After this long without a byte, a connection that is idle or in the middle of a request is closed.
    /// Never applies while the server works on an answer.
    public var idleTimeout: Duration
    /// From the end of a request's head to the end of its body.
    public var bodyTimeout: Duration
    /// How long the rest of a refused body is read and thrown away, so that the client gets to see the answer.
    public var lingerTimeout: Duration
    /// Of each listener; more wait in the kernel's queue.
    public var maximumConnections: Int
    public var maximumBodyBytes: Int
    public var maximumUploadBytes: Int
    /// Of an image.
    public var maximumArchiveBytes: Int64

    public init(
        host: String = "127.0.0.1",
        port: Int = 0,
        unixSocket: FilePath? = nil,
        idleTimeout: Duration = Self.defaultIdleTimeout,
        bodyTimeout: Duration = Self.defaultBodyTimeout,
        lingerTimeout: Duration = Self.defaultLingerTimeout,
        maximumConnections: Int = Self.defaultMaximumConnections,
        maximumBodyBytes: Int = TransferLimit.bodyBytes,
        maximumUploadBytes: Int = TransferLimit.uploadBodyBytes,
        maximumArchiveBytes: Int64 = ImageUploadSize.maximumArchiveBytes
    ) {
        self.host = host
        self.port = port
        self.unixSocket = unixSocket
        self.idleTimeout = idleTimeout
        self.bodyTimeout = bodyTimeout
        self.lingerTimeout = lingerTimeout
        self.maximumConnections = maximumConnections
        self.maximumBodyBytes = maximumBodyBytes
        self.maximumUploadBytes = maximumUploadBytes
        self.maximumArchiveBytes = maximumArchiveBytes
    }
}
