/// The front door, as far as a client needs to know it in order to come in.
public struct TunnelDoor: Sendable, Equatable {
    /// What our own protocol is called in ALPN: TLS, one line of JSON each way, then bytes.
    public static let applicationProtocol = "vers-tunnel/1"

    public var host: String
    public var port: Int
    /// What VMs' names end with, without a dot before it.
    public var domain: String
    /// In PEM. Nil: the certificate must be one that this machine trusts.
    public var certificateAuthority: String?

    public init(host: String, port: Int, domain: String, certificateAuthority: String?) {
        self.host = host
        self.port = port
        self.domain = domain
        self.certificateAuthority = certificateAuthority
    }

    var name: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
