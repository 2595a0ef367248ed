import Foundation
import VersAPI

/// API keys: 36 characters of UUID followed by 64 hexadecimal ones. Only a hash is stored.
///
/// The secret half has 256 random bits, so one round of SHA-256 is enough: there is nothing to guess.
public final class KeyService: Sendable {
    private static let idLength = 36
    private static let secretLength = 64

    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    /// Whom a valid key acts for.
    /// - Throws: `.unauthenticated`, without saying which part was wrong.
    public func authenticate(_ key: String) async throws -> Principal {
        let refusal = VersError(
            .unauthenticated,
            "the API key is not valid",
            hint: "set VERS_API_KEY, or sign in with: vers login"
        )
        guard key.utf8.count == Self.idLength + Self.secretLength, let id = KeyID(String(key.prefix(Self.idLength)))
        else { throw refusal }
        guard let stored = try await domain.metadata.secretHash(ofKey: id) else { throw refusal }
        guard Self.equalInConstantTime(stored, hash(key.suffix(Self.secretLength))) else { throw refusal }
        return Principal(keyID: id, organisationID: .owner)
    }

    /// Creates a key. The caller shows it once; it cannot be read again.
    public func create(label: String) async throws -> String {
        let id = KeyID()
        let digits = Array("0123456789abcdef".utf8)
        let secret = String(
            decoding: try domain.keys.randomBytes(Self.secretLength / 2).flatMap { byte in
                [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            },
            as: UTF8.self
        )
        try await domain.metadata.insertKey(
            id: id,
            secretHash: hash(secret[...]),
            label: label,
            createdAt: Date()
        )
        return id.text + secret
    }

    private func hash(_ secret: Substring) -> [UInt8] { domain.keys.sha256(Array(secret.utf8)) }

    private static func equalInConstantTime(_ lhs: [UInt8], _ rhs: [UInt8]) -> Bool {
        guard lhs.count == rhs.count else { return false }
        return zip(lhs, rhs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
