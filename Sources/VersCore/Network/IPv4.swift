/// An IPv4 address.
public struct IPv4Address: Sendable, Hashable, Comparable, Codable, LosslessStringConvertible {
    public let number: UInt32

    public init(number: UInt32) { self.number = number }

    /// Four decimal numbers without leading zeros, and nothing else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let byte = UInt8(part),
                part.count == 1 || part.first != "0"
            else { return nil }
            number = number << 8 | UInt32(byte)
        }
        self.number = number
    }

    public var description: String {
        [24, 16, 8, 0].map { "\(number >> $0 & 0xFF)" }.joined(separator: ".")
    }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.number < rhs.number }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = Self(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "invalid address '\(text)'")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A block of IPv4 addresses.
public struct IPv4Network: Sendable, Hashable, LosslessStringConvertible {
    public let address: IPv4Address
    public let prefixLength: Int

    public init(address: IPv4Address, prefixLength: Int) {
        self.address = IPv4Address(number: address.number & Self.mask(prefixLength))
        self.prefixLength = prefixLength
    }

    /// `address/length`, or an address alone. Bits behind the length must be 0: they are a mistake more often than not.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let address = IPv4Address(String(parts[0])) else { return nil }
        let length: Int
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(parts[1]),
                (0...32).contains(number)
            else { return nil }
            length = number
        } else {
            length = 32
        }
        guard address.number & ~Self.mask(length) == 0 else { return nil }
        self.init(address: address, prefixLength: length)
    }

    public var description: String { "\(address)/\(prefixLength)" }

    public func contains(_ other: IPv4Address) -> Bool { other.number & Self.mask(prefixLength) == address.number }

    /// The address that lies `offset` above the first.
    public func address(at offset: UInt32) -> IPv4Address { IPv4Address(number: address.number + offset) }

    private static func mask(_ length: Int) -> UInt32 { length == 0 ? 0 : UInt32.max << UInt32(32 - length) }
}
