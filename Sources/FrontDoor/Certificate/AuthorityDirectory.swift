import Foundation
import HostSystem
import KeyMaterial
import SystemPackage
import VersAPI

/// The instance's own certificate authority: made at the first start, and the same ever after.
///
/// Both files come into being at once, as one directory that is renamed: a crash leaves both or none.
struct AuthorityDirectory {
    static let certificateName = "ca.crt"
    static let keyName = "ca.key"
    private static let maximumFileSize = 64 * 1024
    private static let temporaryMark = ".making-"

    let path: FilePath

    /// The stored authority, or a new one.
    /// - Throws: ``VersError`` when the files are there but are none; they are never replaced.
    func open(name: String) throws -> CertificateAuthority {
        try removeLeftovers()
        guard HostFile.identity(of: path) != nil else { return try make(name: name) }
        do {
            return try CertificateAuthority(
                certificatePEM: try HostFile.readText(
                    path.appending(Self.certificateName),
                    limitInBytes: Self.maximumFileSize
                ),
                storedKeyPEM: try HostFile.readText(path.appending(Self.keyName), limitInBytes: Self.maximumFileSize)
            )
        } catch {
            throw VersError(
                .internal,
                "the certificate authority in \(path) cannot be used: \((error as? VersError)?.message ?? "\(error)")",
                hint: "restore its files, or move the directory away to have a new one made",
                cause: error
            )
        }
    }

    private func make(name: String) throws -> CertificateAuthority {
        let authority = try CertificateAuthority(name: name)
        let temporary = FilePath("\(path)\(Self.temporaryMark)\(UInt64.random(in: .min ... .max))")
        do {
            try FileManager.default.createDirectory(
                atPath: temporary.string,
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700]
            )
            try DurableFile.write(
                Array(authority.certificatePEM.utf8),
                to: temporary.appending(Self.certificateName),
                permissions: [.ownerReadWrite, .groupRead, .otherRead]
            )
            try DurableFile.write(Array(authority.storedKeyPEM.utf8), to: temporary.appending(Self.keyName))
            guard rename(temporary.string, path.string) == 0 else {
                throw HostError("rename to", path, errno: Errno(rawValue: errno))
            }
        } catch {
            // The error that matters is already on its way.
            try? FileManager.default.removeItem(atPath: temporary.string)
            throw error
        }
        try DurableFile.syncDirectory(path.removingLastComponent())
        return authority
    }

    /// Of a daemon that ended while it made one.
    private func removeLeftovers() throws {
        guard let name = path.lastComponent?.string else { return }
        let parent = path.removingLastComponent()
        for entry in try HostFile.names(in: parent) where entry.hasPrefix(name + Self.temporaryMark) {
            try FileManager.default.removeItem(atPath: parent.appending(entry).string)
        }
    }
}
