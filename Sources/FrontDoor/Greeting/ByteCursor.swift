/// Reads bytes in their order; nil instead of what is not there.
struct ByteCursor {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        defer { position += 1 }
        return bytes[position]
    }

    /// A number of `width` bytes, the most significant first.
    mutating func number(_ width: Int) -> Int? { take(width)?.reduce(0) { $0 << 8 | Int($1) } }

    mutating func take(_ count: Int) -> [UInt8]? {
        guard bytes.count - position >= count else { return nil }
        return upTo(count)
    }

    /// As many of `count` bytes as there are.
    mutating func upTo(_ count: Int) -> [UInt8] {
        let end = min(bytes.count, position + count)
        defer { position = end }
        return Array(bytes[position..<end])
    }

    /// What follows a length of `width` bytes.
    mutating func prefixed(_ width: Int) -> [UInt8]? {
        guard let count = number(width) else { return nil }
        return take(count)
    }
}
