import CCrypto
import Foundation
import VersAPI

/// A key of libcrypto.
final class PrivateKey {
    let pointer: OpaquePointer

    private init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { EVP_PKEY_free(pointer) }

    /// A new one on the curve P-256, which every client knows.
    static func generate() throws -> PrivateKey {
        guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil) else { throw CertificateFailure.noKey }
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1,
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1,
            EVP_PKEY_keygen(context, &key) == 1, let key
        else { throw CertificateFailure.noKey }
        return PrivateKey(key)
    }

    convenience init(pem: String) throws {
        let text = try MemoryText(pem)
        guard let key = PEM_read_bio_PrivateKey(text.pointer, nil, nil, nil) else {
            throw VersError(.invalidArgument, "invalid private key: expected one in PEM form, without a passphrase")
        }
        self.init(key)
    }

    func pem() throws -> String {
        let text = try MemoryText()
        guard PEM_write_bio_PrivateKey(text.pointer, pointer, nil, nil, 0, nil, nil) == 1 else {
            throw CertificateFailure.noKey
        }
        return text.content
    }
}

/// A certificate that is there already.
final class ParsedCertificate {
    let pointer: OpaquePointer

    init(pem: String) throws {
        let text = try MemoryText(pem)
        guard let pointer = PEM_read_bio_X509(text.pointer, nil, nil, nil) else {
            throw VersError(.invalidArgument, "invalid certificate: expected one in PEM form")
        }
        self.pointer = pointer
    }

    deinit { X509_free(pointer) }

    func belongs(to key: PrivateKey) -> Bool { X509_check_private_key(pointer, key.pointer) == 1 }

    func isValid(for host: String) -> Bool { X509_check_host(pointer, host, host.utf8.count, 0, nil) == 1 }
}

/// A certificate that is being written.
final class CertificateBuilder {
    /// Clocks of clients may be late by this much.
    static let clockSkew: TimeInterval = 3600
    private static let serialLength = 16
    /// `MBSTRING_UTF8`, a macro that Swift does not see.
    private static let utf8: Int32 = 0x1000
    /// X.509 counts versions from zero.
    private static let versionThree = 2

    private let pointer: OpaquePointer

    init(subject: String, key: PrivateKey, validFrom: Date, validUntil: Date) throws {
        guard let pointer = X509_new() else { throw CertificateFailure.notMade }
        self.pointer = pointer
        var (start, end) = (time_t(validFrom.timeIntervalSince1970), time_t(validUntil.timeIntervalSince1970))
        guard X509_set_version(pointer, Self.versionThree) == 1,
            X509_time_adj(X509_getm_notBefore(pointer), 0, &start) != nil,
            X509_time_adj(X509_getm_notAfter(pointer), 0, &end) != nil,
            X509_set_pubkey(pointer, key.pointer) == 1
        else { throw CertificateFailure.notMade }
        try setSerial()
        try Self.name(subject) { X509_set_subject_name(pointer, $0) }
    }

    deinit { X509_free(pointer) }

    func setIssuer(name: String) throws { try Self.name(name) { X509_set_issuer_name(pointer, $0) } }

    func setIssuer(_ issuer: ParsedCertificate) throws {
        guard X509_set_issuer_name(pointer, X509_get_subject_name(issuer.pointer)) == 1 else {
            throw CertificateFailure.notMade
        }
    }

    /// Adds an extension, in the notation of OpenSSL's configuration files.
    func add(_ identifier: Int32, _ value: String, issuer: ParsedCertificate? = nil) throws {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer?.pointer ?? pointer, pointer, nil, nil, 0)
        guard let item = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
            throw CertificateFailure.notMade
        }
        defer { X509_EXTENSION_free(item) }
        guard X509_add_ext(pointer, item, -1) == 1 else { throw CertificateFailure.notMade }
    }

    func sign(with key: PrivateKey) throws {
        guard X509_sign(pointer, key.pointer, EVP_sha256()) > 0 else { throw CertificateFailure.notMade }
    }

    func pem() throws -> String {
        let text = try MemoryText()
        guard PEM_write_bio_X509(text.pointer, pointer) == 1 else { throw CertificateFailure.notMade }
        return text.content
    }

    /// Random, as browsers ask for, and positive.
    private func setSerial() throws {
        var bytes = [UInt8](repeating: 0, count: Self.serialLength)
        guard RAND_bytes(&bytes, Int32(bytes.count)) == 1 else { throw CertificateFailure.notMade }
        bytes[0] &= 0x7f
        guard let number = BN_bin2bn(bytes, Int32(bytes.count), nil) else { throw CertificateFailure.notMade }
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil else {
            throw CertificateFailure.notMade
        }
    }

    private static func name(_ text: String, use: (OpaquePointer) -> Int32) throws {
        guard let name = X509_NAME_new() else { throw CertificateFailure.notMade }
        defer { X509_NAME_free(name) }
        guard
            X509_NAME_add_entry_by_txt(name, "CN", Self.utf8, text, -1, -1, 0) == 1,
            use(name) == 1
        else { throw CertificateFailure.notMade }
    }
}

/// Text in memory that libcrypto reads or writes.
final class MemoryText {
    let pointer: OpaquePointer

    init(_ text: String = "") throws {
        guard let pointer = BIO_new(BIO_s_mem()) else { throw CertificateFailure.notMade }
        self.pointer = pointer
        let bytes = Array(text.utf8)
        guard bytes.isEmpty || BIO_write(pointer, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
            BIO_free(pointer)
            throw CertificateFailure.notMade
        }
    }

    deinit { BIO_free(pointer) }

    /// What is left to read. Reading it uses it up.
    var content: String {
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(pointer))
        let count = BIO_read(pointer, &bytes, Int32(bytes.count))
        return String(decoding: bytes.prefix(Int(max(0, count))), as: UTF8.self)
    }
}

private enum CertificateFailure {
    static var noKey: VersError { VersError(.internal, "libcrypto made no key") }
    static var notMade: VersError { VersError(.internal, "libcrypto made no certificate") }
}
