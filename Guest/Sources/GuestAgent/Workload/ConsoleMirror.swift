import Glibc

/// Copies output to the console, which takes it at its own pace.
final class ConsoleMirror {
    /// More than this waits for nobody: whoever writes is asked to pause.
    private static let highWaterInBytes = 64 * 1024

    private let loop: EventLoop
    private let descriptor: Int32
    private var waiting: [UInt8] = []
    private var isWatching = false
    /// Called when there is room again.
    var onDrain: () -> Void = {}

    init(loop: EventLoop) {
        self.loop = loop
        descriptor = open("/dev/console", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
    }

    var isFull: Bool { waiting.count >= Self.highWaterInBytes }

    func write(_ bytes: ArraySlice<UInt8>) {
        guard descriptor >= 0 else { return }
        waiting += bytes
        flush()
    }

    private func flush() {
        while !waiting.isEmpty {
            let count = waiting.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN { break }
            guard count > 0 else {
                // A console that takes nothing must not stop the command.
                waiting.removeAll()
                break
            }
            waiting.removeFirst(count)
        }
        watch(!waiting.isEmpty)
    }

    private func watch(_ watches: Bool) {
        guard watches != isWatching else { return }
        isWatching = watches
        guard watches else {
            loop.remove(descriptor)
            return
        }
        do throws(SystemError) {
            try loop.add(descriptor, EventLoop.writable) { [unowned self] _ in
                flush()
                if !isFull { onDrain() }
            }
        } catch {
            isWatching = false
            waiting.removeAll()
        }
    }
}
