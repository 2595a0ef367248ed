internal import Glibc
internal import HostSystem
internal import SystemPackage

/// The memory library as it was when the daemon started, held open: every QEMU of the daemon gets the same, also after
/// an upgrade has replaced the file, or while it does.
final class MemoryLibrary: Sendable {
    let descriptor: Int32

    /// Blocks shortly.
    init(opening path: FilePath) throws(HostError) {
        descriptor = open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostError("open", path, errno: Errno(rawValue: errno)) }
    }

    deinit { close(descriptor) }
}
