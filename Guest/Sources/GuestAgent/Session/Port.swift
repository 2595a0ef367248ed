import CGuest
import Glibc
import GuestProtocol

/// The byte stream to the host: a virtio-serial port, or a Unix socket that stands in for the monitor's.
final class Port {
    /// Output is produced only while less than this waits to be written.
    static let highWaterInBytes = 256 * 1024
    private static let readSize = 64 * 1024
    /// Reads in a row before other descriptors get their turn.
    private static let readsPerTurn = 64
    /// A page, which is what the driver gives at once.
    private static let fullRead = 4096
    private static let batchInBytes = 192 * 1024
    private static let longestPauseInMicroseconds: UInt32 = 4000

    private let loop: EventLoop
    private var decoder = FrameDecoder()
    private var descriptor: Int32 = -1
    private var listener: Int32 = -1
    private var output: [UInt8] = []
    private var written = 0
    private var buffer = [UInt8](repeating: 0, count: Port.readSize)
    private var hasMore = false
    /// What the last turn has read.
    private var turnInBytes = 0
    private var pauseInMicroseconds: UInt32 = 0

    var onFrame: (Frame) -> Void = { _ in }
    /// The host has gone; what it followed need not wait for it.
    var onHangUp: () -> Void = {}

    init(loop: EventLoop) {
        self.loop = loop
    }

    var isOpen: Bool { descriptor >= 0 || listener >= 0 }
    var waitingBytes: Int { output.count - written }

    /// Takes a virtio-serial port. Edge-triggered: the kernel reports a hang-up for as long as no host is there.
    func open(device path: String) throws(SystemError) {
        let fd = Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard fd >= 0 else { throw SystemError("open \(path)") }
        try attach(fd)
    }

    /// Serves one connection after the other, as the monitor's socket does.
    func listen(at path: String) throws(SystemError) {
        unlink(path)
        listener = try SystemError.check("listen on \(path)", cguest_listen(path))
        try loop.add(listener, EventLoop.readable) { [unowned self] _ in acceptNext() }
    }

    func close() {
        for fd in [descriptor, listener] where fd >= 0 {
            loop.remove(fd)
            Glibc.close(fd)
        }
        descriptor = -1
        listener = -1
    }

    func send(_ frame: Frame) {
        guard descriptor >= 0 else { return }
        if written > Self.readSize, written * 2 > output.count {
            output.removeFirst(written)
            written = 0
        }
        frame.encode(into: &output)
    }

    /// Forgets what belongs to an earlier session. The next frame starts behind a delimiter, because a part of one
    /// may be on its way already.
    func beginSession() {
        output.removeAll(keepingCapacity: true)
        written = 0
        output.append(Frame.delimiter)
    }

    func flush() {
        while descriptor >= 0, written < output.count {
            let count = output.withUnsafeBytes {
                write(descriptor, $0.baseAddress.map { $0 + written }, min($0.count - written, Self.readSize))
            }
            guard count > 0 else {
                if count < 0, errno == EINTR { continue }
                return
            }
            written += count
        }
        output.removeAll(keepingCapacity: output.capacity < 4 * Self.highWaterInBytes)
        written = 0
    }

    /// Goes on reading what was left for the sake of fairness or because too much waits to be written.
    func readRemaining() {
        turnInBytes = 0
        if hasMore, waitingBytes < 4 * Self.highWaterInBytes { read() }
    }

    var needsTurn: Bool { hasMore && waitingBytes < 4 * Self.highWaterInBytes }

    private func attach(_ fd: Int32) throws(SystemError) {
        descriptor = fd
        try loop.add(fd, EventLoop.readable | EventLoop.writable | EventLoop.edgeTriggered) { [unowned self] _ in
            hasMore = true
        }
        hasMore = true
    }

    /// Whether the host is likely to be in the middle of sending much.
    var isBusy: Bool { turnInBytes >= Self.fullRead }

    /// Lets more of a bulk come together, as long as it takes for a batch of it: found out by what came the last time.
    func pauseForMore() {
        if turnInBytes >= Self.batchInBytes {
            pauseInMicroseconds /= 2
        } else if turnInBytes < Self.batchInBytes / 2 {
            pauseInMicroseconds = min(Self.longestPauseInMicroseconds, max(250, pauseInMicroseconds * 2))
        }
        usleep(pauseInMicroseconds)
    }

    private func read() {
        for _ in 0..<Self.readsPerTurn {
            guard descriptor >= 0 else { return }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count > 0 {
                turnInBytes += count
                buffer.withUnsafeBytes { decoder.decode(UnsafeRawBufferPointer(rebasing: $0[..<count]), each: onFrame) }
                if waitingBytes >= 4 * Self.highWaterInBytes { return }
            } else if count < 0, errno == EINTR {
                continue
            } else if count < 0, errno == EAGAIN {
                hasMore = false
                return
            } else {
                hasMore = false
                hangUp()
                return
            }
        }
    }

    private func hangUp() {
        output.removeAll(keepingCapacity: false)
        written = 0
        if listener >= 0 {
            loop.remove(descriptor)
            Glibc.close(descriptor)
            descriptor = -1
            try? loop.add(listener, EventLoop.readable) { [unowned self] _ in acceptNext() }
        }
        onHangUp()
    }

    private func acceptNext() {
        let fd = cguest_accept(listener)
        guard fd >= 0 else { return }
        loop.remove(listener)
        do {
            try attach(fd)
        } catch {
            Glibc.close(fd)
            descriptor = -1
        }
    }
}
