import VersAPI

/// A header block of 512 bytes: POSIX ustar, and GNU's and the old forms as far as they differ.
struct TarHeader {
    static let length = 512

    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }

    var type: UInt8 { bytes[156] }
    private var isPOSIX: Bool { bytes[257..<263].elementsEqual("ustar\0".utf8) }

    /// Name and prefix.
    var path: [UInt8] {
        let name = text(0..<100)
        let prefix = isPOSIX ? text(345..<500) : []
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    var linkTarget: [UInt8] { text(157..<257) }

    func checkSum() throws {
        var unsigned = 0
        var signed = 0
        for (index, byte) in bytes.enumerated() {
            let value = (148..<156).contains(index) ? 0x20 : byte
            unsigned += Int(value)
            // Some old archivers took bytes for signed.
            signed += Int(Int8(bitPattern: value))
        }
        let stated = try number(148..<156, "checksum")
        guard stated == Int64(unsigned) || stated == Int64(signed) else {
            throw VersError.badArchive("the archive is damaged: a member's header has the wrong checksum")
        }
    }

    var mode: UInt32 { get throws { UInt32(truncatingIfNeeded: try number(100..<108, "mode")) & 0o7777 } }
    var uid: Int64 { get throws { try number(108..<116, "uid") } }
    var gid: Int64 { get throws { try number(116..<124, "gid") } }
    var size: Int64 { get throws { try number(124..<136, "size") } }
    var modified: Int64 { get throws { try number(136..<148, "mtime", allowsNegative: true) } }
    var major: Int64 { get throws { try number(329..<337, "device major") } }
    var minor: Int64 { get throws { try number(337..<345, "device minor") } }

    /// Up to the first zero byte.
    private func text(_ range: Range<Int>) -> [UInt8] { Array(bytes[range].prefix { $0 != 0 }) }

    /// Octal digits, or GNU's base 256 when the first bit is set.
    func number(_ range: Range<Int>, _ field: String, allowsNegative: Bool = false) throws -> Int64 {
        let field = "\(field) of \(shown(text(0..<100)))"
        if bytes[range.lowerBound] & 0x80 != 0 { return try binary(range, field, allowsNegative: allowsNegative) }
        let digits = bytes[range].drop { $0 == 0x20 }.prefix { $0 != 0x20 && $0 != 0 }
        var value: Int64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(digit), value < 1 << 59 else {
                throw VersError.badArchive("the archive is damaged: the \(field) is no octal number")
            }
            value = value << 3 | Int64(digit - UInt8(ascii: "0"))
        }
        return value
    }

    private func binary(_ range: Range<Int>, _ field: String, allowsNegative: Bool) throws -> Int64 {
        let isNegative = bytes[range.lowerBound] == 0xFF
        guard isNegative || bytes[range.lowerBound] == 0x80 else {
            throw VersError.badArchive("the archive is damaged: the \(field) is out of range")
        }
        let filler: UInt8 = isNegative ? 0xFF : 0
        let digits = bytes[range].dropFirst()
        let value = digits.suffix(8).reduce(isNegative ? Int64(-1) : 0) { $0 << 8 | Int64($1) }
        guard digits.dropLast(8).allSatisfy({ $0 == filler }), (value < 0) == isNegative, allowsNegative || value >= 0
        else { throw VersError.badArchive("the archive is damaged: the \(field) is out of range") }
        return value
    }
}
