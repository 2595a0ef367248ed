import CCrypto
public import Foundation
import VersAPI

/// A private authority that signs certificates of servers: a P-256 key and its own certificate.
public struct CertificateAuthority: Sendable {
    private static let yearsOfValidity = 10

    /// What clients are told to trust.
    public let certificatePEM: String
    /// Never logged, never sent.
    let keyPEM: String

    private init(certificatePEM: String, keyPEM: String) {
        self.certificatePEM = certificatePEM
        self.keyPEM = keyPEM
    }

    /// A new one.
    /// - Parameter name: what stores of certificates show.
    public init(name: String) throws {
        let key = try PrivateKey.generate()
        let certificate = try CertificateBuilder(
            subject: name,
            key: key,
            validFrom: Date() - CertificateBuilder.clockSkew,
            validUntil: Date() + TimeInterval(Self.yearsOfValidity * 365 * 86_400)
        )
        try certificate.setIssuer(name: name)
        try certificate.add(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try certificate.add(NID_key_usage, "critical,keyCertSign,cRLSign")
        try certificate.add(NID_subject_key_identifier, "hash")
        try certificate.sign(with: key)
        self.init(certificatePEM: try certificate.pem(), keyPEM: try key.pem())
    }

    /// One that was stored.
    /// - Throws: `.invalidArgument` when the two do not belong together, or are none.
    public init(certificatePEM: String, storedKeyPEM keyPEM: String) throws {
        let key = try PrivateKey(pem: keyPEM)
        let certificate = try ParsedCertificate(pem: certificatePEM)
        guard certificate.belongs(to: key) else {
            throw VersError(.invalidArgument, "the authority's key is not the one of its certificate")
        }
        self.init(certificatePEM: certificatePEM, keyPEM: keyPEM)
    }

    /// The key, for the file that keeps it.
    public var storedKeyPEM: String { keyPEM }

    /// A certificate for servers called `names`, with a key of its own.
    /// - Precondition: `names` is not empty, and holds DNS names only, with or without a wildcard.
    public func issue(for names: [String], validUntil expiry: Date) throws -> ServerCertificate {
        guard let first = names.first else { preconditionFailure("a certificate needs a name") }
        let issuer = try ParsedCertificate(pem: certificatePEM)
        let key = try PrivateKey.generate()
        let certificate = try CertificateBuilder(
            // A common name has at most 64 characters; the alternative names are those that count.
            subject: String(first.prefix(64)),
            key: key,
            validFrom: Date() - CertificateBuilder.clockSkew,
            validUntil: expiry
        )
        try certificate.setIssuer(issuer)
        try certificate.add(NID_basic_constraints, "critical,CA:FALSE")
        try certificate.add(NID_key_usage, "critical,digitalSignature")
        try certificate.add(NID_ext_key_usage, "serverAuth")
        try certificate.add(NID_subject_alt_name, names.map { "DNS:\($0)" }.joined(separator: ","))
        try certificate.add(NID_subject_key_identifier, "hash")
        try certificate.add(NID_authority_key_identifier, "keyid", issuer: issuer)
        try certificate.sign(with: try PrivateKey(pem: keyPEM))
        return ServerCertificate(certificatePEM: try certificate.pem(), keyPEM: try key.pem(), expiresAt: expiry)
    }
}

/// A server's certificate and its key. The key is never logged.
public struct ServerCertificate: Sendable, CustomStringConvertible {
    public let certificatePEM: String
    public let keyPEM: String
    public let expiresAt: Date

    public var description: String { "certificate until \(expiresAt)" }
}

/// What a file of certificates says about its first one.
public enum CertificateNames {
    /// Whether the first certificate in `pem` is one of the server `host`.
    /// - Throws: `.invalidArgument` when there is none.
    public static func matches(_ host: String, pem: String) throws -> Bool {
        try ParsedCertificate(pem: pem).isValid(for: host)
    }
}
