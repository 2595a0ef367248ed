/// Where in or behind a guest a connection leads.
public struct GuestEndpoint: Sendable, Hashable, CustomStringConvertible {
    /// A host name or address as the guest sees it. Nil: whatever listens in the guest itself on the port, be it on
    /// IPv6, IPv4 or loopback only.
    public let host: String?
    public let port: UInt16

    public init(host: String? = nil, port: UInt16) {
        self.host = host
        self.port = port
    }

    public var description: String {
        guard let host else { return "port \(port)" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
}

/// A TCP connection that a guest's agent has opened inside the guest. Both directions are bounded: neither end takes in
/// more than a window of bytes that the other has not used.
///
/// Whoever got it owns it and must ``close()`` it. When the channel to the guest is lost, or the VM ends, both directions
/// throw ``VersError`` `.unavailable`.
public protocol GuestStream: Sendable {
    /// The next bytes from the guest, never empty; nil when the guest has ended its direction. Not to be called
    /// concurrently with itself; may run beside ``write(_:)``.
    /// - Throws: `.unavailable` when the connection was reset. Cancellation leaves the stream usable.
    func read() async throws -> [UInt8]?

    /// Sends bytes. Returns when the channel has taken them, which is when the guest's side has granted room.
    /// Not to be called concurrently with itself.
    func write(_ bytes: [UInt8]) async throws

    /// Ends the direction to the guest, as `shutdown(SHUT_WR)` does. The other goes on. Idempotent.
    func endWriting() async throws

    /// Ends both directions and frees the stream. Idempotent. After ``endWriting()`` what was written is still delivered;
    /// without it the guest sees the connection reset, since what it has got may be a part only.
    func close() async
}
