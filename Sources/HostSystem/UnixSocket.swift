internal import CHost
internal import Glibc
public import SystemPackage

/// Unix sockets in directories of any depth: `sun_path` holds 107 bytes, so the directory is reached through a
/// descriptor.
public enum UnixSocket {
    /// Connects a non-blocking stream socket.
    /// - Returns: the descriptor; the caller closes it.
    /// - Throws: ``HostError``: `.noSuchFileOrDirectory` or `.connectionRefused` when nobody listens.
    public static func connect(to path: FilePath) throws -> Int32 {
        let directory = path.removingLastComponent()
        let name = path.lastComponent?.string ?? ""
        let fd = chost_connect_unix(directory.isEmpty ? "." : directory.string, name)
        guard fd >= 0 else { throw HostError("connect to", path, errno: Errno(rawValue: errno)) }
        return fd
    }

    /// Makes a listening stream socket, mode 0600, in place of what has that name.
    /// - Returns: the descriptor; the caller closes it.
    public static func listen(at path: FilePath) throws -> Int32 {
        let directory = path.removingLastComponent()
        let name = path.lastComponent?.string ?? ""
        let fd = chost_listen_unix(directory.isEmpty ? "." : directory.string, name)
        guard fd >= 0 else { throw HostError("listen on", path, errno: Errno(rawValue: errno)) }
        return fd
    }

    /// Sends `bytes`, and `descriptor` with the first of them. Blocks at most `timeoutMilliseconds` for room in the
    /// socket's buffer.
    public static func send(
        _ bytes: [UInt8],
        passing descriptor: Int32,
        over socket: Int32,
        timeoutMilliseconds: Int32
    ) throws {
        guard chost_send_with_descriptor(socket, bytes, bytes.count, descriptor, timeoutMilliseconds) == 0 else {
            throw HostError("send a descriptor", errno: Errno(rawValue: errno))
        }
    }
}
