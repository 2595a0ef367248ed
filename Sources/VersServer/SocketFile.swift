import Glibc
import SystemPackage

/// The file of a Unix socket.
enum SocketFile {
    /// Only the owner may connect. A failure leaves the mode to the umask and the parent directory; the API asks for
    /// a key in any case.
    static func makePrivate(_ path: FilePath) { _ = path.withPlatformString { chmod($0, S_IRUSR | S_IWUSR) } }

    /// A leftover file of a closed listener only makes the next client's error less clear.
    static func remove(_ path: FilePath) { _ = path.withPlatformString { unlink($0) } }
}
