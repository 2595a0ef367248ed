import Foundation
internal import SystemPackage
import VersAPI

/// The directory that holds everything of one instance, as far as the command line looks into it.
struct InstanceHome: Sendable {
    let path: FilePath

    var record: FilePath { path.appending(DaemonDescription.fileName) }
    var ownerKey: FilePath { path.appending("owner.key") }
    var log: FilePath { path.appending("versd.log") }
    /// Held by the daemon for as long as it runs.
    var daemonLock: FilePath { path.appending("lock") }
    /// Held by the `vers` that is starting a daemon, so that a second one waits for it instead of starting another.
    var launchLock: FilePath { path.appending("launch.lock") }

    init(path: FilePath) { self.path = path }

    /// `VERS_HOME`, else `/var/lib/vers` for root and `~/.local/share/vers` for everyone else.
    init(_ context: CommandContext, environment: [String: String]) {
        if let given = environment["VERS_HOME"], !given.isEmpty {
            path = context.workingPath.pushing(FilePath(given)).lexicallyNormalized()
        } else if geteuid() == 0 {
            path = "/var/lib/vers"
        } else {
            path = context.homePath.appending(".local/share/vers")
        }
    }

    /// The daemon that runs on this home and accepts connections; nil when there is none, whatever the files say.
    func runningDaemon() throws -> DaemonDescription? {
        guard let text = try UserFile.read(record) else { return nil }
        // A file that is being replaced or was damaged says nothing about a running daemon.
        guard let record = try? JSONDecoder().decode(DaemonDescription.self, from: Data(text.utf8)) else { return nil }
        guard kill(record.pid, 0) == 0 || errno == EPERM else { return nil }
        return record.isAccepting ? record : nil
    }

    func apiKey() throws -> String? { try UserFile.read(ownerKey)?.trimmed }
}

extension DaemonDescription {
    /// Whether something listens on the socket, or, when that cannot be told, whether the record has a URL.
    var isAccepting: Bool {
        guard let socket else { return !url.isEmpty }
        return UnixSocket.isAccepting(socket)
    }
}

enum UnixSocket {
    /// Whether a connection to `path` is taken.
    static func isAccepting(_ path: String) -> Bool {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return false }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
    }
}
