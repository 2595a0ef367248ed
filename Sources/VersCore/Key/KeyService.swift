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
    /// - Throws: `.unauthenticated`, without saying which part was wrong; of a key that was good once, why it is not
    ///   any more.
    public func authenticate(_ key: String) async throws -> Principal {
        guard key.utf8.count == Self.idLength + Self.secretLength, let id = KeyID(String(key.prefix(Self.idLength)))
        else { throw Self.refusal("the API key is not valid") }
        guard let stored = try await domain.accounts.key(id),
            Self.equalInConstantTime(Array(stored.secretHash), hash(key.suffix(Self.secretLength)))
        else { throw Self.refusal("the API key is not valid") }
        guard stored.revokedAt == nil else { throw Self.refusal("the API key was revoked") }
        if let expiry = stored.expiresAt, expiry <= Date() {
            throw Self.refusal("the API key expired at \(RFC3339.string(from: expiry))")
        }
        return Principal(keyID: id, organisationID: stored.organisationID)
    }

    /// Creates a key of the machine's owner, which manages the whole instance. The caller shows it once; it cannot be
    /// read again.
    public func createAdministratorKey(label: String) async throws -> String {
        let (text, key) = try make(
            label: label,
            organisation: .owner,
            user: .owner,
            expiresAt: nil,
            limits: KeyLimits(),
            isAdministrator: true
        )
        try await domain.accounts.insert(key)
        return text
    }

    /// A new key, which is not stored yet, and its text.
    func make(
        label: String,
        organisation: OrganisationID,
        user: UserID,
        expiresAt: Date?,
        limits: KeyLimits,
        isAdministrator: Bool = false
    ) throws -> (text: String, key: APIKey) {
        let id = KeyID()
        let secret = Self.hexadecimal(try domain.keys.randomBytes(Self.secretLength / 2))
        let key = APIKey(
            id: id,
            organisationID: organisation,
            userID: user,
            label: label,
            secretHash: Data(hash(secret[...])),
            createdAt: Date(),
            expiresAt: expiresAt,
            limits: limits,
            isAdministrator: isAdministrator
        )
        return (id.text + secret, key)
    }

    static func hexadecimal(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func refusal(_ message: String) -> VersError {
        VersError(.unauthenticated, message, hint: "set VERS_API_KEY, or sign in with: vers login")
    }

    private func hash(_ secret: Substring) -> [UInt8] { domain.keys.sha256(Array(secret.utf8)) }

    static func equalInConstantTime(_ lhs: [UInt8], _ rhs: [UInt8]) -> Bool {
        guard lhs.count == rhs.count else { return false }
        return zip(lhs, rhs).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }
}
