internal import CHost
internal import Glibc
internal import Synchronization
public import SystemPackage

/// An exclusive `flock` on a file, held until ``release()`` or the end of the process.
///
/// The file stays: removing a lock file would let two holders lock two different files of one name.
public final class FileLock: Sendable {
    private let descriptor: Mutex<Int32?>

    /// Creates the file (mode 0600) when it is missing, and takes the lock without waiting.
    /// - Throws: ``HostError``; `errno` is `.wouldBlock` when another process, or another `FileLock`, holds it.
    public init(_ path: FilePath) throws {
        let fd = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw HostError("open", path, errno: Errno(rawValue: errno)) }
        guard chost_flock_exclusive(fd) == 0 else {
            let error = Errno(rawValue: errno)
            close(fd)
            throw HostError("lock", path, errno: error)
        }
        descriptor = Mutex(fd)
    }

    deinit { release() }

    /// Idempotent.
    public func release() {
        descriptor.withLock { fd in
            if let held = fd { close(held) }
            fd = nil
        }
    }
}
