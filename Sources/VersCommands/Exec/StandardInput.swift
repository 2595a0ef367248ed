import Foundation

/// Stdin, read only when asked, on a thread that may block. Reading ends when the task is cancelled.
final class StandardInput: Sendable {
    static let chunkSizeInBytes = 32 * 1024

    private let descriptor: Int32
    private let arrival: DescriptorWait

    init(descriptor: Int32 = STDIN_FILENO) throws {
        self.descriptor = descriptor
        arrival = try DescriptorWait(descriptor, for: Int16(POLLIN))
    }

    /// The next bytes; nil at the end of input.
    /// - Throws: `CancellationError`.
    func next() async throws -> [UInt8]? {
        while true {
            try await arrival.wait()
            var buffer = [UInt8](repeating: 0, count: Self.chunkSizeInBytes)
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 { return Array(buffer.prefix(count)) }
            // A terminal that hung up reads as an error; there is no more input either way.
            if count == 0 || (errno != EINTR && errno != EAGAIN) { return nil }
        }
    }
}
