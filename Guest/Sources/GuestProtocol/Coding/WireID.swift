/// A UUID as 16 bytes, for ids that the host chose.
public struct WireID: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Accepts 36 characters, hexadecimal digits in either case and dashes where a UUID has them.
    public init?(_ text: String) {
        let characters = Array(text.utf8)
        guard characters.count == 36 else { return nil }
        var digits: [UInt64] = []
        for (index, character) in characters.enumerated() {
            if [8, 13, 18, 23].contains(index) {
                guard character == UInt8(ascii: "-") else { return nil }
                continue
            }
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digits.append(UInt64(character - UInt8(ascii: "0")))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digits.append(UInt64(character - UInt8(ascii: "a") + 10))
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digits.append(UInt64(character - UInt8(ascii: "A") + 10))
            default: return nil
            }
        }
        high = digits[..<16].reduce(0) { $0 << 4 | $1 }
        low = digits[16...].reduce(0) { $0 << 4 | $1 }
    }

    /// 36 characters in lower case.
    public var description: String {
        let alphabet = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for index in 0..<32 {
            if [8, 12, 16, 20].contains(index) { text.append(UInt8(ascii: "-")) }
            let half = index < 16 ? high : low
            text.append(alphabet[Int((half >> UInt64(60 - 4 * (index % 16))) & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }
}

extension ByteWriter {
    public mutating func write(_ id: WireID) {
        write(id.high)
        write(id.low)
    }
}

extension ByteReader {
    public mutating func readID(_ field: String) throws(ProtocolError) -> WireID {
        WireID(high: try read(field), low: try read(field))
    }
}
