import Foundation
import Glibc
import HostSystem
import Logging
import SystemPackage
import VersAPI
import VersCore
import VersServer

/// The instance's home: prepared, and locked for as long as the value lives.
struct Instance {
    let layout: InstanceLayout
    /// Whether the host was started anew since the last daemon served this home.
    let hostRebooted: Bool
    private let lock: FileLock

    /// `--home`, else `VERS_HOME`, else the user's default.
    static func home(given: String?) throws -> FilePath {
        let environment = ProcessInfo.processInfo.environment
        let text =
            if let given, !given.isEmpty {
                given
            } else if let variable = environment["VERS_HOME"], !variable.isEmpty {
                variable
            } else if geteuid() == 0 {
                "/var/lib/vers"
            } else {
                "\(environment["HOME"] ?? NSHomeDirectory())/.local/share/vers"
            }
        let path = FilePath(text)
        return path.isAbsolute ? path : FilePath(FileManager.default.currentDirectoryPath).pushing(path)
    }

    /// Creates what is missing and takes the lock.
    /// - Throws: `.conflict` when another daemon serves the home.
    init(home: FilePath, logger: Logger) throws {
        layout = InstanceLayout(home: home)
        try Self.prepareDirectories(of: layout)
        do {
            lock = try FileLock(layout.lock)
        } catch let error as HostError where error.errno == .wouldBlock {
            throw VersError(
                .conflict,
                "another versd serves \(home)",
                hint: "use that one, or end it with: vers down",
                cause: error
            )
        }
        let last = try? String(contentsOfFile: Self.bootFile(in: home).string, encoding: .utf8)
        let present = try ProcessTable.bootID()
        hostRebooted = last.map { $0 != present } ?? false
    }

    private static func prepareDirectories(of layout: InstanceLayout) throws {
        let home = layout.home
        // Before anything is made: a daemon that nothing reaches is of no use.
        guard layout.socket.string.utf8.count <= APIServerConfiguration.socketPathLimitInBytes else {
            throw VersError(
                .invalidArgument,
                "home '\(home)' is too long: its socket's path, \(layout.socket.string.utf8.count) bytes, may have "
                    + "\(APIServerConfiguration.socketPathLimitInBytes)",
                hint: "set VERS_HOME or --home to a shorter path; a symbolic link will do"
            )
        }
        do {
            let directories = [
                home, layout.images, layout.importedImages, layout.commits, layout.machines, layout.standbys,
            ]
            for directory in directories {
                try FileManager.default.createDirectory(
                    atPath: directory.string,
                    withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o700]
                )
            }
        } catch {
            throw VersError(
                .invalidArgument,
                "home '\(home)' cannot be used: \((error as NSError).localizedDescription)",
                hint: "set VERS_HOME or --home to a directory that you may write to",
                cause: error
            )
        }
    }

    /// Remembers this start of the host. To be called once everything that the last one may have damaged was seen to: a
    /// daemon that ends before leaves that to the next.
    func noteBoot() throws {
        try DurableFile.write(Array(try ProcessTable.bootID().utf8), to: Self.bootFile(in: layout.home))
    }

    private static func bootFile(in home: FilePath) -> FilePath { home.appending("host-boot-id") }

    /// Keys of other machines are not worth guessing: the owner's lies in the home, for `vers` to find. One is made when
    /// there is none, or one that the database does not take.
    /// - Throws: whatever else keeps it from being read or looked up; there may be nothing wrong with it then.
    func ensureOwnerKey(_ keys: KeyService) async throws {
        if let text = try ownerKey() {
            do {
                _ = try await keys.authenticate(text.trimmingCharacters(in: .whitespacesAndNewlines))
                return
            } catch let error as VersError where error.code == .unauthenticated {
                // Another database's, revoked or damaged.
            }
        }
        let key = try await keys.createAdministratorKey(label: "owner")
        try await DurableFile.write(Array("\(key)\n".utf8), to: layout.ownerKey)
    }

    private func ownerKey() throws -> String? {
        do {
            return try String(contentsOfFile: layout.ownerKey.string, encoding: .utf8)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
            return nil
        } catch let error as CocoaError where error.code == .fileReadInapplicableStringEncoding {
            return nil
        } catch {
            throw VersError(
                .internal,
                "the owner's key in '\(layout.ownerKey)' cannot be read: \((error as NSError).localizedDescription)",
                cause: error
            )
        }
    }
}
