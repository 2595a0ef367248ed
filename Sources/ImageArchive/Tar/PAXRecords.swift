import VersAPI

/// The records of an extended header: lines of the form `LENGTH KEY=VALUE`, the length counting itself.
struct PAXRecords {
    private(set) var values: [String: [UInt8]] = [:]
    /// In the order of the archive; GNU's sparse format 0.0 repeats its keys.
    private(set) var sparseNumbers: [Int64] = []

    init() {}

    init(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            guard let space = rest.prefix(12).firstIndex(of: 0x20),
                let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > 0, length <= rest.count,
                rest.startIndex + length > space + 2
            else { throw Self.damaged }
            let record = rest[(space + 1)..<(rest.startIndex + length)]
            guard record.last == 0x0A, let equals = record.firstIndex(of: UInt8(ascii: "=")) else { throw Self.damaged }
            let key = String(decoding: record[..<equals], as: UTF8.self)
            let value = Array(record[(equals + 1)...].dropLast())
            if key == "GNU.sparse.offset" || key == "GNU.sparse.numbytes" {
                sparseNumbers.append(try Self.integer(value, key))
            } else {
                values[key] = value
            }
            rest = rest[(rest.startIndex + length)...]
        }
    }

    /// These records, and `other`'s where they have the same key.
    func overridden(by other: PAXRecords) -> PAXRecords {
        var merged = other
        merged.values = values.merging(other.values) { $1 }
        return merged
    }

    subscript(_ key: String) -> [UInt8]? {
        // An empty value takes back a global one.
        values[key].flatMap { $0.isEmpty ? nil : $0 }
    }

    func integer(_ key: String) throws -> Int64? { try self[key].map { try Self.integer($0, key) } }

    /// Seconds with a fraction.
    func time(_ key: String) throws -> Timestamp? {
        guard let value = self[key] else { return nil }
        let parts = value.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard var seconds = Int64(String(decoding: parts[0], as: UTF8.self)) else { throw Self.badNumber(value, key) }
        guard parts.count == 2 else { return Timestamp(seconds: seconds) }
        let digits = parts[1].prefix(9)
        guard let fraction = digits.isEmpty ? 0 : UInt32(String(decoding: digits, as: UTF8.self)) else {
            throw Self.badNumber(value, key)
        }
        var nanoseconds = (digits.count..<9).reduce(fraction) { value, _ in value * 10 }
        if value.first == UInt8(ascii: "-"), nanoseconds > 0 {
            seconds -= 1
            nanoseconds = 1_000_000_000 - nanoseconds
        }
        return Timestamp(seconds: seconds, nanoseconds: nanoseconds)
    }

    /// What GNU tar, star and Go call `SCHILY.xattr.<name>`. Sorted, so that equal archives give equal disks.
    var extendedAttributes: [ExtendedAttribute] {
        let prefix = "SCHILY.xattr."
        return values.filter { $0.key.hasPrefix(prefix) }
            .map { ExtendedAttribute(name: String($0.key.dropFirst(prefix.count)), value: $0.value) }
            .sorted { $0.name < $1.name }
    }

    static func integer(_ value: [UInt8], _ key: String) throws -> Int64 {
        guard let number = Int64(String(decoding: value, as: UTF8.self)), number >= 0 else {
            throw badNumber(value, key)
        }
        return number
    }

    private static func badNumber(_ value: [UInt8], _ key: String) -> VersError {
        .badArchive("the archive is damaged: \(shown(value)) in an extended header's \(key) is no number in range")
    }

    private static let damaged = VersError.badArchive("the archive is damaged: an extended header cannot be read")
}
