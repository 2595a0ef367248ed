/// 16 random bytes that name a session. The low half of `high` marks every frame and is not 0.
public struct SessionNonce: Hashable, Sendable {
    public let id: WireID

    public init(id: WireID) {
        self.id = UInt32(truncatingIfNeeded: id.high) == 0 ? WireID(high: id.high | 1, low: id.low) : id
    }

    public static func random() -> SessionNonce {
        SessionNonce(id: WireID(high: .random(in: 0...UInt64.max), low: .random(in: 0...UInt64.max)))
    }

    public var session: UInt32 { UInt32(truncatingIfNeeded: id.high) }
}
