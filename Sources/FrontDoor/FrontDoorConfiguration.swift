import NIOCore
public import SystemPackage

/// Where the front door listens, what it is called, and how patient it is.
public struct FrontDoorConfiguration: Sendable {
    public static let defaultHost = "127.0.0.1"
    public static let defaultPort = 8443

    /// Whether there is to be one.
    public var isEnabled = true
    /// A numeric address or a host name.
    public var host = Self.defaultHost
    /// Nil: ``defaultPort``, or another when that is taken; the instance remembers which.
    public var port: Int?
    /// A connection to one of these goes to the same port of the guest.
    public var extraPorts: [UInt16] = []
    /// VMs are called `<vm-id>.vm.<domain>`.
    public var domain = "vers.localhost"
    /// Certificates of the operator, in the order in which they are tried.
    public var certificates: [CertificateFiles] = []
    /// Of all ports together; more wait in the kernel's queue.
    public var maximumConnections = 4096
    /// From the connection to the end of the TLS handshake.
    public var handshakeDeadline: Duration = .seconds(10)
    /// A client that has said nothing for so long, and has not agreed on HTTP, waits for the banner of SSH.
    public var bannerDelay: Duration = .seconds(2)
    /// How long a client that agreed on HTTP, or has begun to say something, may take over its first bytes.
    public var firstBytesDeadline: Duration = .seconds(60)
    /// Until the guest has taken the connection; a VM may have to wake up.
    public var dialDeadline: Duration = .seconds(120)
    /// A connection without a byte for so long is closed.
    public var idleDeadline: Duration = .seconds(4 * 3600)
    /// How long a closing connection waits for its client.
    public var closingDeadline: Duration = .seconds(3)

    public init() {}
}

/// A certificate, with those that it depends on after it, and its key; both in PEM form.
public struct CertificateFiles: Sendable, Hashable {
    public var certificate: FilePath
    public var key: FilePath

    public init(certificate: FilePath, key: FilePath) {
        self.certificate = certificate
        self.key = key
    }
}
