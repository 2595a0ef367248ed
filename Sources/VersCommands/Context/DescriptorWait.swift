import Foundation
internal import SystemPackage
import VersAPI

/// Waits for something to happen to a descriptor, on a thread that may block. The wait ends when the task is cancelled.
final class DescriptorWait: Sendable {
    private let descriptor: Int32
    private let events: Int16
    private let wakeReader: Int32
    private let wakeWriter: Int32

    /// - Parameter events: of `poll`; errors and a hang-up are waited for in any case.
    init(_ descriptor: Int32, for events: Int16) throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw VersError(.internal, "cannot make a pipe: \(Errno(rawValue: errno))")
        }
        self.descriptor = descriptor
        self.events = events
        wakeReader = ends[0]
        wakeWriter = ends[1]
    }

    deinit {
        close(wakeReader)
        close(wakeWriter)
    }

    /// - Throws: `CancellationError`.
    func wait() async throws {
        try await withTaskCancellationHandler {
            try Task.checkCancellation()
            try await Blocking.run { [self] in try waitBlocking() }
        } onCancel: {
            var byte: UInt8 = 0
            _ = write(wakeWriter, &byte, 1)
        }
    }

    private func waitBlocking() throws {
        var entries = [
            pollfd(fd: descriptor, events: events, revents: 0),
            pollfd(fd: wakeReader, events: Int16(POLLIN), revents: 0),
        ]
        while poll(&entries, 2, -1) <= 0 {}
        guard entries[1].revents == 0 else { throw CancellationError() }
    }
}
