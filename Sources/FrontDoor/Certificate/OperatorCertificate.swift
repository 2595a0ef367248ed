import Foundation
import HostSystem
import KeyMaterial
import NIOSSL
import SystemPackage
import VersAPI

/// A certificate that the operator has given, as it was when its files were last read.
struct OperatorCertificate: Sendable {
    private static let maximumFileSize = 1024 * 1024

    let files: CertificateFiles
    let stamp: Stamp
    let pem: String
    let chain: [NIOSSLCertificate]
    let key: NIOSSLPrivateKey

    /// What tells a file from its successor.
    struct Stamp: Sendable, Equatable {
        private let files: [[Int64]]

        init(_ files: CertificateFiles) {
            self.files = [files.certificate, files.key].map { path in
                var status = stat()
                guard stat(path.string, &status) == 0 else { return [] }
                return [
                    Int64(bitPattern: UInt64(status.st_dev)), Int64(bitPattern: UInt64(status.st_ino)),
                    Int64(status.st_size), Int64(status.st_mtim.tv_sec), Int64(status.st_mtim.tv_nsec),
                ]
            }
        }
    }

    /// Reads the files. Blocks.
    /// - Throws: `.invalidArgument` naming the file.
    init(_ files: CertificateFiles) throws {
        self.files = files
        // Taken first: a change while they are read is seen next time.
        stamp = Stamp(files)
        pem = try Self.read(files.certificate)
        chain = try Self.parse(files.certificate, "certificates in PEM form") { [pem] in
            try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
        }
        let keyText = try Self.read(files.key)
        key = try Self.parse(files.key, "a private key in PEM form, without a passphrase") {
            try NIOSSLPrivateKey(bytes: Array(keyText.utf8), format: .pem)
        }
        do {
            _ = try CertificateAuthority(certificatePEM: pem, storedKeyPEM: keyText)
        } catch {
            throw VersError(
                .invalidArgument,
                "the key in \(files.key) is not the one of the first certificate in \(files.certificate)",
                hint: "the server's own certificate comes first in the file",
                cause: error
            )
        }
    }

    func serves(_ host: String) -> Bool { (try? CertificateNames.matches(host, pem: pem)) ?? false }

    private static func read(_ path: FilePath) throws -> String {
        do {
            return try HostFile.readText(path, limitInBytes: maximumFileSize)
        } catch {
            throw VersError(
                .invalidArgument,
                "\(path) cannot be read",
                hint: "check --tls-cert and --tls-key",
                cause: error
            )
        }
    }

    private static func parse<Value>(_ path: FilePath, _ expected: String, _ body: () throws -> Value) throws -> Value {
        do {
            return try body()
        } catch {
            throw VersError(.invalidArgument, "invalid content of \(path): expected \(expected)", cause: error)
        }
    }
}
