import Foundation
internal import SystemPackage
import VersAPI

/// Waits for a file to appear, by the kernel's notice.
enum DirectoryWatch {
    /// Calls `find` now and after every change in `directory`, until it returns something. Blocks.
    /// - Returns: nil when `timeout` passed.
    static func first<Result>(
        in directory: FilePath,
        timeout: Duration,
        find: () throws -> Result?
    ) throws -> Result? {
        let watch = inotify_init1(Int32(IN_CLOEXEC))
        guard watch >= 0 else { throw VersError(.internal, "cannot watch \(directory): \(Errno(rawValue: errno))") }
        defer { close(watch) }
        let events = UInt32(IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE)
        guard inotify_add_watch(watch, directory.string, events) >= 0 else {
            throw VersError(.internal, "cannot watch \(directory): \(Errno(rawValue: errno))")
        }
        let deadline = ContinuousClock.now + timeout
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            if let result = try find() { return result }
            let remaining = max(.zero, deadline - .now)
            var entry = pollfd(fd: watch, events: Int16(POLLIN), revents: 0)
            if poll(&entry, 1, Int32(remaining / .milliseconds(1))) == 0 { return nil }
            // What changed does not matter: `find` looks again.
            _ = read(watch, &buffer, buffer.count)
        }
    }
}
