/// What the other side may send before it is granted more, and when to grant it.
public struct ReceiveWindow: Sendable, Equatable {
    /// What may be on its way or waiting at once.
    public private(set) var size: Int
    private let maximum: Int
    private var allowed: Int
    private var consumed = 0

    /// - Parameter maximum: what the window may grow to when it is used up fast, as streams do.
    public init(_ size: Int = ProtocolLimits.windowInBytes, maximum: Int? = nil) {
        self.size = size
        self.maximum = maximum ?? size
        allowed = size
    }

    public mutating func receive(_ count: Int) throws(ProtocolError) {
        guard count <= allowed else { throw .windowExceeded }
        allowed -= count
    }

    /// Counts bytes that were used up.
    /// - Parameter growth: how much larger the window may become.
    /// - Returns: credit to send, when half a window has come together.
    public mutating func consume(_ count: Int, growth: Int = 0) -> UInt32? {
        consumed += count
        guard consumed >= size / 2 else { return nil }
        let added = max(0, min(size, growth, maximum - size))
        size += added
        let credit = consumed + added
        consumed = 0
        allowed += credit
        return UInt32(credit)
    }
}
