internal import Glibc
public import SystemPackage

/// Small reads and changes of files that block only shortly.
public enum HostFile {
    /// The first `limitInBytes` bytes of a file.
    public static func read(_ path: FilePath, limitInBytes: Int) throws -> [UInt8] {
        let fd = open(path.string, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw HostError("open", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: limitInBytes)
        var length = 0
        while length < limitInBytes {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(fd, buffer.baseAddress.map { $0 + length }, limitInBytes - length)
            }
            if count == 0 { break }
            if count < 0 {
                let error = Errno(rawValue: errno)
                if error == .interrupted { continue }
                throw HostError("read", path, errno: error)
            }
            length += count
        }
        return Array(bytes.prefix(length))
    }

    /// The same, as UTF-8 with replacements.
    public static func readText(_ path: FilePath, limitInBytes: Int) throws -> String {
        String(decoding: try read(path, limitInBytes: limitInBytes), as: UTF8.self)
    }

    /// The last `limitInBytes` bytes of a file.
    public static func readEnd(_ path: FilePath, limitInBytes: Int) throws -> [UInt8] {
        let fd = open(path.string, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw HostError("open", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        let end = lseek(fd, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: limitInBytes)
        let count = pread(fd, &bytes, limitInBytes, max(0, end - off_t(limitInBytes)))
        guard count >= 0 else { throw HostError("read", path, errno: Errno(rawValue: errno)) }
        return Array(bytes.prefix(count))
    }

    /// The length of a file in bytes.
    public static func size(of path: FilePath) throws -> UInt64 {
        var status = stat()
        guard stat(path.string, &status) == 0 else { throw HostError("look at", path, errno: Errno(rawValue: errno)) }
        return UInt64(status.st_size)
    }

    /// Which file a path leads to, whatever its name. Nil when there is none.
    public static func identity(of path: FilePath) -> FileIdentity? {
        var status = stat()
        guard stat(path.string, &status) == 0 else { return nil }
        return FileIdentity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    }

    /// The absolute path without symbolic links. Nil when there is no such file.
    public static func resolved(_ path: FilePath) -> FilePath? {
        guard let real = realpath(path.string, nil) else { return nil }
        defer { free(real) }
        return FilePath(String(cString: real))
    }

    /// Creates a file of `size` bytes without content (mode 0600), or gives the existing one that size.
    public static func createSparse(_ path: FilePath, sizeInBytes size: UInt64) throws {
        let fd = open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw HostError("create", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        guard ftruncate(fd, off_t(size)) == 0 else { throw HostError("size", path, errno: Errno(rawValue: errno)) }
    }

    /// Creates a new file (mode 0600) with `bytes`, not synchronised.
    public static func create(_ path: FilePath, bytes: [UInt8]) throws {
        let fd = open(path.string, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard fd >= 0 else { throw HostError("create", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        do {
            _ = try FileDescriptor(rawValue: fd).writeAll(bytes)
        } catch let error as Errno {
            unlink(path.string)
            throw HostError("write", path, errno: error)
        }
    }

    /// Writes `text` to a file that exists, in one call: the kernel's files take one value at a time.
    public static func overwrite(_ path: FilePath, with text: String) throws {
        let fd = open(path.string, O_WRONLY | O_CLOEXEC)
        guard fd >= 0 else { throw HostError("open", path, errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        let bytes = Array(text.utf8)
        guard write(fd, bytes, bytes.count) == bytes.count else {
            throw HostError("write", path, errno: Errno(rawValue: errno))
        }
    }

    public static func link(_ path: FilePath, to new: FilePath) throws {
        guard Glibc.link(path.string, new.string) == 0 else {
            throw HostError("link to", new, errno: Errno(rawValue: errno))
        }
    }

    /// Removes a file. Nothing happens when there is none.
    public static func remove(_ path: FilePath) throws {
        guard unlink(path.string) != 0, errno != ENOENT else { return }
        throw HostError("remove", path, errno: Errno(rawValue: errno))
    }

    /// The names in a directory, without `.` and `..`.
    public static func names(in path: FilePath) throws -> [String] {
        try DirectoryEntries.names(in: path).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// A file as the kernel knows it.
public struct FileIdentity: Sendable, Hashable {
    public var device: UInt64
    public var inode: UInt64
}
