import CGuest
import Glibc

/// The size of the mounted root filesystem.
enum RootFilesystem {
    private static let ext4Magic: Int64 = 0xEF53
    private static let sectorInBytes: UInt64 = 512

    struct Sizes {
        var diskInBytes: UInt64
        var blockSize: UInt64
    }

    static func isExt4(_ path: String) -> Bool { cguest_filesystem_type(path) == ext4Magic }

    /// Of the filesystem at `path` and the disk it is on.
    static func sizes(_ path: String) throws(SystemError) -> Sizes {
        var filesystem = statvfs()
        guard statvfs(path, &filesystem) == 0 else { throw SystemError("statvfs \(path)") }
        var major: UInt32 = 0
        var minor: UInt32 = 0
        cguest_device_of(path, &major, &minor)
        let device = "/sys/dev/block/\(major):\(minor)/size"
        guard let sectors = SmallFile.readLine(device).flatMap({ UInt64($0) }) else {
            throw SystemError("read \(device)", ENODEV)
        }
        return Sizes(
            diskInBytes: sectors * sectorInBytes,
            blockSize: UInt64(filesystem.f_bsize)
        )
    }

    /// Grows an ext4 filesystem to its disk, while mounted. Does nothing when it is as large already.
    static func grow(_ path: String) throws(SystemError) {
        let sizes = try sizes(path)
        let fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard fd >= 0 else { throw SystemError("open \(path)") }
        defer { close(fd) }
        try SystemError.check("resize \(path)", cguest_resize_ext4(fd, sizes.diskInBytes / sizes.blockSize))
    }
}
