/// What may be sent on a channel before the other side grants more.
public struct SendWindow: Sendable, Equatable {
    public private(set) var available: Int
    private let limit: Int

    public init(limit: Int = ProtocolLimits.windowInBytes) {
        self.limit = limit
        available = limit
    }

    /// - Precondition: `count` is not more than ``available``.
    public mutating func spend(_ count: Int) {
        precondition(count >= 0 && count <= available)
        available -= count
    }

    /// More than a whole window of credit cannot have been earned.
    public mutating func grant(_ credit: UInt32) throws(ProtocolError) {
        guard Int(credit) <= limit - available else {
            throw .invalidValue(field: "credit", value: UInt64(credit))
        }
        available += Int(credit)
    }
}
