import CCrypto
import Foundation
import VersAPI

/// An ed25519 key pair, with its texts in OpenSSH's formats.
///
/// Written here because a call of `ssh-keygen` costs 5 to 10 ms and every new VM needs two keys. The private
/// format is `openssh-key-v1` (PROTOCOL.key in OpenSSH's sources), unencrypted:
///
/// ```
/// "openssh-key-v1\0"  string "none"  string "none"  string ""  uint32 1
/// string public-blob
/// string { uint32 check, uint32 check, string "ssh-ed25519", string public, string seed||public, string comment,
///          1, 2, 3, … up to a multiple of 8 }
/// ```
struct Ed25519KeyPair {
    private static let keyType = "ssh-ed25519"
    private static let seedLength = 32
    private static let blockLength = 8
    private static let lineLength = 70

    private let seed: [UInt8]
    private let publicKey: [UInt8]

    init(seed: [UInt8]) throws {
        precondition(seed.count == Self.seedLength)
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else {
            throw VersError(.internal, "libcrypto made no ed25519 key")
        }
        defer { EVP_PKEY_free(key) }
        var bytes = [UInt8](repeating: 0, count: Self.seedLength)
        var length = bytes.count
        guard EVP_PKEY_get_raw_public_key(key, &bytes, &length) == 1, length == bytes.count else {
            throw VersError(.internal, "libcrypto gave no ed25519 public key")
        }
        self.seed = seed
        publicKey = bytes
    }

    private var publicBlob: [UInt8] { Self.string(Self.keyType) + Self.string(publicKey) }

    /// The line for `authorized_keys`.
    func publicLine(comment: String) -> String {
        "\(Self.keyType) \(Data(publicBlob).base64EncodedString()) \(comment)"
    }

    func privatePEM(comment: String) -> String {
        // The check bytes only tell a wrong passphrase from a right one; there is no passphrase.
        let check = Self.number(0x7665_7273)
        var section = check + check + publicBlob + Self.string(seed + publicKey) + Self.string(comment)
        var padding: UInt8 = 1
        while section.count % Self.blockLength != 0 {
            section.append(padding)
            padding += 1
        }
        let header = Array("openssh-key-v1".utf8) + [0] + Self.string("none") + Self.string("none") + Self.string("")
        let container = header + Self.number(1) + Self.string(publicBlob) + Self.string(section)
        var lines = ["-----BEGIN OPENSSH PRIVATE KEY-----"]
        var rest = Substring(Data(container).base64EncodedString())
        while !rest.isEmpty {
            lines.append(String(rest.prefix(Self.lineLength)))
            rest = rest.dropFirst(Self.lineLength)
        }
        lines.append("-----END OPENSSH PRIVATE KEY-----\n")
        return lines.joined(separator: "\n")
    }

    private static func number(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }

    private static func string(_ bytes: [UInt8]) -> [UInt8] { number(UInt32(bytes.count)) + bytes }

    private static func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }
}
