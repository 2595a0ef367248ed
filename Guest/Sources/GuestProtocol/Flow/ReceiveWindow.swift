/// What the other side may send before it is granted more, and when to grant it.
public struct ReceiveWindow: Sendable, Equatable {
    private let limit: Int
    private var allowed: Int
    private var consumed = 0

    public init(limit: Int = ProtocolLimits.windowInBytes) {
        self.limit = limit
        allowed = limit
    }

    public mutating func receive(_ count: Int) throws(ProtocolError) {
        guard count <= allowed else { throw .windowExceeded }
        allowed -= count
    }

    /// Counts bytes that were used up.
    /// - Returns: credit to send, when half a window has come together.
    public mutating func consume(_ count: Int) -> UInt32? {
        consumed += count
        guard consumed >= limit / 2 else { return nil }
        defer { consumed = 0 }
        allowed += consumed
        return UInt32(consumed)
    }
}
