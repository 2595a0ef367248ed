import Foundation
import Synchronization
internal import SystemPackage

/// Where text goes: a file of this process, or memory.
///
/// After the first failure what is written is dropped, so that a command that changes things goes on to its end. The
/// failure is kept, for whoever ends the command to report.
struct OutputSink: Sendable {
    private let writeBytes: @Sendable ([UInt8]) throws(Errno) -> Void
    private let firstFailure = FirstFailure()
    /// Nil for memory.
    private let file: Int32?

    init(file: Int32? = nil, _ writeBytes: @escaping @Sendable ([UInt8]) throws(Errno) -> Void) {
        self.file = file
        self.writeBytes = writeBytes
    }

    /// Writes everything before it returns.
    static func descriptor(_ descriptor: Int32) -> Self {
        Self(file: descriptor) { bytes throws(Errno) in
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
                case let number: throw Errno(rawValue: number)
                }
            }
        }
    }

    /// Why not everything was written; nil as long as all was. `EPIPE`: its reader went away.
    var failure: Errno? { firstFailure.errno }

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        guard failure == nil else { return }
        do {
            try writeBytes(bytes)
        } catch {
            firstFailure.set(error)
        }
    }

    /// For output without an end: writes it, and tells when nobody takes it any more.
    func stream(_ bytes: [UInt8]) throws(OutputFailure) {
        write(bytes)
        if let failure { throw OutputFailure(errno: failure) }
    }

    /// Runs `work`, which writes here, and ends it as soon as nobody takes that any more, also while there is nothing to write.
    /// - Throws: what `work` does; `OutputFailure`.
    func whileRead<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await waitUntilUnread()
                throw OutputFailure(errno: .brokenPipe)
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }

    /// Returns when nobody takes what is written any more. Only of a pipe or a socket that is known at once; a terminal that
    /// goes away sends a signal.
    /// - Throws: `CancellationError`.
    private func waitUntilUnread() async throws {
        guard let file, isatty(file) == 0 else {
            let never = AsyncStream<Never>.makeStream()
            for await _ in never.stream {}
            throw CancellationError()
        }
        // Nothing is asked for but what poll tells unasked: POLLERR and POLLHUP.
        try await DescriptorWait(file, for: 0).wait()
    }

    private static func waitUntilWritable(_ descriptor: Int32) {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&entry, 1, -1)
    }

    private final class FirstFailure: Sendable {
        private let state = Mutex<Errno?>(nil)

        var errno: Errno? { state.withLock { $0 } }

        func set(_ errno: Errno) { state.withLock { $0 = $0 ?? errno } }
    }
}

/// Output could not be written.
struct OutputFailure: Error {
    var errno: Errno

    /// Whether whoever read it went away, as `head` does.
    var isBrokenPipe: Bool { errno == .brokenPipe }
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
