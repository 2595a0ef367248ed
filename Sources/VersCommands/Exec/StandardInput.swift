import Foundation
import Synchronization
internal import SystemPackage
import VersAPI

/// Stdin, read only when asked, on a thread that may block. Reading ends when the task is cancelled.
final class StandardInput: Sendable {
    static let chunkSizeInBytes = 32 * 1024

    private let descriptor: Int32
    private let wakeReader: Int32
    private let wakeWriter: Int32

    init(descriptor: Int32 = STDIN_FILENO) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw VersError(.internal, "cannot make a pipe: \(Errno(rawValue: errno))")
        }
        self.descriptor = descriptor
        wakeReader = ends[0]
        wakeWriter = ends[1]
    }

    deinit {
        close(wakeReader)
        close(wakeWriter)
    }

    /// The next bytes; nil at the end of input.
    /// - Throws: `CancellationError`.
    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            return try await Blocking.run { [self] in try readBlocking() }
        } onCancel: {
            var byte: UInt8 = 0
            _ = write(wakeWriter, &byte, 1)
        }
    }

    private func readBlocking() throws -> [UInt8]? {
        while true {
            var entries = [
                pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 2, -1) > 0 else { continue }
            guard entries[1].revents == 0 else { throw CancellationError() }
            var buffer = [UInt8](repeating: 0, count: Self.chunkSizeInBytes)
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 { return Array(buffer.prefix(count)) }
            // A terminal that hung up reads as an error; there is no more input either way.
            if count == 0 || (errno != EINTR && errno != EAGAIN) { return nil }
        }
    }
}
