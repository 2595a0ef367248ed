internal import Glibc
public import SystemPackage

/// Files that survive a crash of the host: written beside their place, synchronised and renamed.
///
/// The calls block; the `async` forms run on ``BlockingPool``.
public enum DurableFile {
    /// Replaces `path` atomically. Returns when content and directory entry are on stable storage.
    /// - Throws: ``HostError``; the old content is then still in place, and no temporary file is left.
    public static func write(_ bytes: [UInt8], to path: FilePath, permissions: FilePermissions = [.ownerReadWrite])
        throws
    {
        let temporary = temporaryPath(beside: path)
        do {
            try writeNew(bytes, to: temporary, permissions: permissions)
            guard Glibc.rename(temporary.string, path.string) == 0 else {
                throw HostError("rename to", path, errno: Errno(rawValue: errno))
            }
        } catch {
            // The error that matters is already on its way.
            unlink(temporary.string)
            throw error
        }
        try syncDirectory(path.removingLastComponent())
    }

    /// Flushes the content of an existing file.
    public static func sync(file path: FilePath) throws {
        try synchronise(path, flags: O_RDONLY | O_CLOEXEC)
    }

    /// Flushes the entries of a directory.
    public static func syncDirectory(_ path: FilePath) throws {
        try synchronise(path.isEmpty ? "." : path, flags: O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    }

    public static func write(_ bytes: [UInt8], to path: FilePath, permissions: FilePermissions = [.ownerReadWrite])
        async throws
    {
        try await BlockingPool.run { try write(bytes, to: path, permissions: permissions) }
    }

    public static func sync(file path: FilePath) async throws {
        try await BlockingPool.run { try sync(file: path) }
    }

    public static func syncDirectory(_ path: FilePath) async throws {
        try await BlockingPool.run { try syncDirectory(path) }
    }

    private static func temporaryPath(beside path: FilePath) -> FilePath {
        let name = path.lastComponent?.string ?? "file"
        let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
        return path.removingLastComponent().appending(".\(name).\(suffix).tmp")
    }

    private static func writeNew(_ bytes: [UInt8], to path: FilePath, permissions: FilePermissions) throws {
        let fd = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, permissions.rawValue)
        guard fd >= 0 else { throw HostError("create", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        // The umask must not weaken or widen what was asked for.
        guard fchmod(fd, permissions.rawValue) == 0 else {
            throw HostError("set permissions of", path, errno: Errno(rawValue: errno))
        }
        do {
            _ = try FileDescriptor(rawValue: fd).writeAll(bytes)
        } catch let error as Errno {
            throw HostError("write", path, errno: error)
        }
        guard fsync(fd) == 0 else { throw HostError("sync", path, errno: Errno(rawValue: errno)) }
    }

    private static func synchronise(_ path: FilePath, flags: Int32) throws {
        let fd = open(path.string, flags)
        guard fd >= 0 else { throw HostError("open", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        guard fsync(fd) == 0 else { throw HostError("sync", path, errno: Errno(rawValue: errno)) }
    }
}
