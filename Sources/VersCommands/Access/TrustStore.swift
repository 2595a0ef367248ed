import Foundation
import HostSystem
internal import SystemPackage
import VersAPI

/// The certificates that a Debian system trusts beside its own.
struct TrustStore: Sendable {
    let directory: FilePath
    /// Brings what is in the directory into force.
    let update: FilePath

    static let system = TrustStore(
        directory: "/usr/local/share/ca-certificates",
        update: "/usr/sbin/update-ca-certificates"
    )

    /// Adds a certificate, if it is not there yet. Blocks.
    /// - Returns: its file.
    func add(_ certificate: String) throws -> FilePath {
        let own = try files()
        if let present = try own.first(where: { try holds($0, certificate) }) {
            try bringIntoForce()
            return present
        }
        var number = 1
        var path = directory.appending("vers.crt")
        while own.contains(path) {
            number += 1
            path = directory.appending("vers-\(number).crt")
        }
        try changing {
            try DurableFile.write(
                Array(certificate.utf8),
                to: path,
                permissions: [.ownerReadWrite, .groupRead, .otherRead]
            )
        }
        try bringIntoForce()
        return path
    }

    /// Removes it wherever it is. Blocks.
    /// - Returns: how many files that were.
    func remove(_ certificate: String) throws -> Int {
        let found = try files().filter { try holds($0, certificate) }
        for path in found { try changing { try HostSystem.HostFile.remove(path) } }
        if !found.isEmpty { try bringIntoForce() }
        return found.count
    }

    private func files() throws -> [FilePath] {
        let names = (try? HostSystem.HostFile.names(in: directory)) ?? []
        return names.filter { $0.hasPrefix("vers") && $0.hasSuffix(".crt") }.sorted().map { directory.appending($0) }
    }

    private func holds(_ path: FilePath, _ certificate: String) throws -> Bool {
        try changing { try HostSystem.HostFile.readText(path, limitInBytes: 64 * 1024) } == certificate
    }

    private func changing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as HostError {
            throw VersError(
                error.errno == .permissionDenied ? .forbidden : .internal,
                "the system's store of certificates cannot be changed: \(error)",
                hint: "as root: vers trust --print | sudo tee \(directory)/vers.crt >/dev/null && sudo \(update)",
                cause: error
            )
        }
    }

    private func bringIntoForce() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: update.string)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw VersError(
                .unavailable,
                "\(update) does not run",
                hint: "install it: apt-get install ca-certificates",
                cause: error
            )
        }
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw VersError(
                .internal,
                "\(update) failed with status \(process.terminationStatus)",
                hint: "run it by hand to see why: sudo \(update)"
            )
        }
    }
}
