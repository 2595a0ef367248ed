/// What may be sent on a channel before the other side grants more.
public struct SendWindow: Sendable, Equatable {
    public private(set) var available: Int
    private let maximum: Int

    /// - Parameter maximum: what the other side may let the window grow to.
    public init(_ size: Int = ProtocolLimits.windowInBytes, maximum: Int? = nil) {
        available = size
        self.maximum = maximum ?? size
    }

    /// - Precondition: `count` is not more than ``available``.
    public mutating func spend(_ count: Int) {
        precondition(count >= 0 && count <= available)
        available -= count
    }

    /// More than a whole window of credit cannot have been earned.
    public mutating func grant(_ credit: UInt32) throws(ProtocolError) {
        guard Int(credit) <= maximum - available else {
            throw .invalidValue(field: "credit", value: UInt64(credit))
        }
        available += Int(credit)
    }
}

extension ReceiveWindow {
    /// Of a stream: small, since there may be many that nobody reads, and larger for those that are read.
    public static var stream: ReceiveWindow {
        ReceiveWindow(ProtocolLimits.streamWindowInBytes, maximum: ProtocolLimits.largestStreamWindowInBytes)
    }
}

extension SendWindow {
    public static var stream: SendWindow {
        SendWindow(ProtocolLimits.streamWindowInBytes, maximum: ProtocolLimits.largestStreamWindowInBytes)
    }
}
