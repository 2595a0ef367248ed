import CGuest
import GuestProtocol

/// The part of RFC 1035 that turns names into addresses.
enum DNSMessage {
    enum RecordType: UInt16 {
        case ipv4 = 1
        case ipv6 = 28
    }

    enum Answer {
        case addresses([cguest_address])
        /// The server knows that there is no such name.
        case noSuchName
        /// The server could not say.
        case failed
    }

    static let sizeLimit = 4096
    private static let headerInBytes = 12
    private static let classInternet: UInt16 = 1

    /// - Precondition: `name` is one of ``HostName``.
    static func query(id: UInt16, name: HostName, type: RecordType) -> [UInt8] {
        // Recursion is desired; one question.
        var bytes = bigEndian(id) + [1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.labels { bytes += [UInt8(label.utf8.count)] + label.utf8 }
        return bytes + [0] + bigEndian(type.rawValue) + bigEndian(classInternet)
    }

    /// - Returns: nil when `bytes` is no answer to `query`.
    static func answer(_ bytes: [UInt8], to query: [UInt8], type: RecordType) -> Answer? {
        guard bytes.count >= query.count, bytes[..<2] == query[..<2], bytes[2] & 0x80 != 0 else { return nil }
        let question = query[headerInBytes...]
        guard word(bytes, 4) == 1, isSameName(bytes[headerInBytes..<query.count], question) else { return nil }
        switch bytes[3] & 0x0F {
        case 0: break
        case 3: return .noSuchName
        default: return .failed
        }
        var position = query.count
        var addresses: [cguest_address] = []
        // A truncated answer holds whole records, which are as good as those that are missing.
        for _ in 0..<(word(bytes, 6) ?? 0) {
            guard let record = skipName(bytes, position), let length = word(bytes, record + 8) else { break }
            let data = record + 10
            guard data + length <= bytes.count else { break }
            let size = type == .ipv4 ? 4 : 16
            if word(bytes, record) == Int(type.rawValue), word(bytes, record + 2) == Int(classInternet), length == size
            {
                addresses.append(address(bytes[data..<data + size], type))
            }
            position = data + length
        }
        return .addresses(addresses)
    }

    private static func address(_ bytes: ArraySlice<UInt8>, _ type: RecordType) -> cguest_address {
        var address = cguest_address()
        address.is_ipv6 = type == .ipv6
        withUnsafeMutableBytes(of: &address.bytes) { $0.copyBytes(from: bytes) }
        return address
    }

    private static func bigEndian(_ value: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
    }

    private static func word(_ bytes: [UInt8], _ position: Int) -> Int? {
        guard position + 2 <= bytes.count else { return nil }
        return Int(bytes[position]) << 8 | Int(bytes[position + 1])
    }

    /// Servers may change the case of letters.
    private static func isSameName(_ one: ArraySlice<UInt8>, _ other: ArraySlice<UInt8>) -> Bool {
        one.elementsEqual(other) { lowercase($0) == lowercase($1) }
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// The position behind the name that begins at `start`. Pointers are not followed: what they lead to is no matter.
    private static func skipName(_ bytes: [UInt8], _ start: Int) -> Int? {
        var position = start
        while position < bytes.count {
            let length = Int(bytes[position])
            if length == 0 { return position + 1 }
            if length & 0xC0 == 0xC0 { return position + 2 }
            guard length & 0xC0 == 0 else { return nil }
            position += 1 + length
        }
        return nil
    }
}

/// A host name that may be asked for.
struct HostName: Equatable {
    let labels: [String]

    var text: String { labels.joined(separator: ".").lowercased() }

    init?(_ text: String) {
        var text = text[...]
        if text.hasSuffix(".") { text = text.dropLast() }
        guard (1...253).contains(text.utf8.count) else { return nil }
        let labels = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let isValid = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count)
                && label.unicodeScalars.allSatisfy {
                    $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_".unicodeScalars.contains($0))
                }
        }
        guard isValid else { return nil }
        self.labels = labels
    }
}
