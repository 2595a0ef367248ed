import Foundation

extension MachineCredentials {
    /// The public half of ``hostKey`` as `known_hosts` has it: type and base64. Nil when the key cannot be read.
    ///
    /// OpenSSH's PROTOCOL.key: the magic "openssh-key-v1\0", then as length-prefixed strings the cipher, the KDF and its
    /// options, a `u32` count of keys, and the first public key, which begins with its type.
    public var hostPublicKey: String? {
        let body = hostKey.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("-----") }.joined()
        let magic = Array("openssh-key-v1".utf8) + [0]
        guard let data = Data(base64Encoded: body), data.starts(with: magic) else { return nil }
        var rest = Array(data)[magic.count...]
        for _ in 0..<3 { guard Self.takeString(&rest) != nil else { return nil } }
        guard let count = Self.takeLength(&rest), count > 0, let blob = Self.takeString(&rest) else { return nil }
        var inner = blob
        guard let type = Self.takeString(&inner), !type.isEmpty, type.allSatisfy({ (33...126).contains($0) }) else {
            return nil
        }
        return "\(String(decoding: type, as: UTF8.self)) \(Data(blob).base64EncodedString())"
    }

    private static func takeLength(_ bytes: inout ArraySlice<UInt8>) -> Int? {
        guard bytes.count >= 4 else { return nil }
        defer { bytes = bytes.dropFirst(4) }
        return bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    private static func takeString(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let length = takeLength(&bytes), length <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(length) }
        return bytes.prefix(length)
    }
}
