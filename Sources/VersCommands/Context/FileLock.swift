import Foundation
internal import SystemPackage
import VersAPI

/// Advisory locks between processes, released by the kernel when their holder ends.
enum FileLock {
    /// Waits on the calling thread; meant for work of milliseconds.
    static func withExclusiveLock<Result>(on path: FilePath, _ body: () throws -> Result) throws -> Result {
        let descriptor = try open(path)
        defer { close(descriptor) }
        try take(LOCK_EX, on: descriptor, path: path)
        return try body()
    }

    /// Whether some process holds `path` exclusively now. A file that does not exist is held by nobody.
    static func isHeld(_ path: FilePath) -> Bool {
        let descriptor = Foundation.open(path.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    /// The locked file; closing it lets go. Makes the file's directory.
    static func acquire(_ path: FilePath) throws -> Int32 {
        let descriptor = try open(path)
        do {
            try take(LOCK_EX, on: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    private static func open(_ path: FilePath) throws -> Int32 {
        try UserDirectory.make(path.removingLastComponent())
        let descriptor = Foundation.open(path.string, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw VersError(.internal, "cannot open \(path): \(Errno(rawValue: errno))")
        }
        return descriptor
    }

    private static func take(_ operation: Int32, on descriptor: Int32, path: FilePath) throws {
        while flock(descriptor, operation) != 0 {
            guard errno == EINTR else {
                throw VersError(.internal, "cannot lock \(path): \(Errno(rawValue: errno))")
            }
        }
    }
}
