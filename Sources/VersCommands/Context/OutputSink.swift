import Foundation
import Synchronization

/// Where text goes: a file of this process, or memory.
struct OutputSink: Sendable {
    private let writeBytes: @Sendable ([UInt8]) -> Void

    init(_ writeBytes: @escaping @Sendable ([UInt8]) -> Void) { self.writeBytes = writeBytes }

    /// Writes everything before it returns. A reader that went away is no error: the rest is dropped.
    static func descriptor(_ descriptor: Int32) -> Self {
        Self { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
                if written > 0 {
                    rest = rest.dropFirst(written)
                    continue
                }
                switch errno {
                case EINTR: continue
                case EAGAIN: waitUntilWritable(descriptor)
                default: return
                }
            }
        }
    }

    func write(_ text: String) { writeBytes(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) { writeBytes(bytes) }

    private static func waitUntilWritable(_ descriptor: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
    }
}

/// Text kept in memory.
final class OutputBuffer: Sendable {
    private let bytes = Mutex<[UInt8]>([])

    init() {}

    var sink: OutputSink {
        OutputSink { [self] new in bytes.withLock { $0 += new } }
    }

    var text: String { bytes.withLock { String(decoding: $0, as: UTF8.self) } }
}
