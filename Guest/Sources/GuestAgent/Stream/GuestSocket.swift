import CGuest
import Glibc
import GuestProtocol

/// An established connection of the guest, and what is on its way through it.
final class GuestSocket {
    private static let piecesAtOnce = 16
    private static let bulkInBytes = 16 * 1024

    let channel: UInt32
    let descriptor: Int32
    /// What the host has room for.
    var sendWindow = SendWindow.stream
    var receiveWindow = ReceiveWindow.stream
    /// From the host, not taken by the kernel yet.
    private var waiting = Deque<ArraySlice<UInt8>>()
    private(set) var waitingBytes = 0
    var isWritable = true
    var isReadable = true
    /// Whether something of the host's is to be passed on.
    var isDue = false
    /// Whether some of it has come since it was last looked at.
    var hasGrown = false
    /// Whether it stands in the queue of those that are read.
    var isQueued = false
    /// The host sends nothing more.
    var hasHostEnded = false
    /// The guest was told that the host sends nothing more, or takes nothing more.
    var isShutDown = false
    /// The guest sends nothing more.
    var hasGuestEnded = false
    /// The host has closed the channel; what it had sent is still on its way.
    var isLeft = false
    /// Why the guest takes nothing more. What it had sent before is still read.
    var writeError: Int32 = 0

    init(channel: UInt32, descriptor: Int32) {
        self.channel = channel
        self.descriptor = descriptor
    }

    /// What the next read may take.
    var canBeRead: Bool { isReadable && !hasGuestEnded && !isLeft && sendWindow.available > 0 }

    /// Whether more is worth waiting for: the last piece was long, as none is at the end of what a client says.
    var isGathering: Bool {
        guard hasGrown, !hasHostEnded, waitingBytes < receiveWindow.size / 2 else { return false }
        return (waiting.last?.count ?? 0) >= Self.bulkInBytes
    }

    func take(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        waiting.append(bytes[...])
        waitingBytes += bytes.count
        hasGrown = true
    }

    /// Writes what waits, as far as the kernel takes it, in as few calls as can be: each may have the guest switch to
    /// whoever reads.
    /// - Returns: how many bytes are gone from here.
    func flush() -> Int {
        var count = 0
        while isWritable, !waiting.isEmpty {
            let sent = Self.send(waiting.prefix(Self.piecesAtOnce), to: descriptor)
            if sent >= 0 {
                count += sent
                drop(sent)
            } else if errno == EAGAIN {
                isWritable = false
            } else if errno != EINTR {
                count += discard(because: errno)
            }
        }
        return count
    }

    private func drop(_ count: Int) {
        waitingBytes -= count
        var rest = count
        while rest > 0, let piece = waiting.popFirst() {
            if piece.count > rest { waiting.putBack(piece.dropFirst(rest)) }
            rest -= min(rest, piece.count)
        }
    }

    private static func send(_ pieces: [ArraySlice<UInt8>], to descriptor: Int32) -> Int {
        withVectors(pieces[...], []) { vectors in
            var vectors = vectors
            return vectors.withUnsafeMutableBufferPointer { buffer in
                var message = msghdr()
                message.msg_iov = buffer.baseAddress
                message.msg_iovlen = buffer.count
                return sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
            }
        }
    }

    /// Calls `body` while the bytes of all pieces stay where they are.
    private static func withVectors(
        _ pieces: ArraySlice<ArraySlice<UInt8>>,
        _ vectors: [iovec],
        _ body: ([iovec]) -> Int
    ) -> Int {
        guard let first = pieces.first else { return body(vectors) }
        return first.withUnsafeBytes { bytes in
            let vector = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
            return withVectors(pieces.dropFirst(), vectors + [vector], body)
        }
    }

    private func discard(because number: Int32) -> Int {
        writeError = number
        isShutDown = true
        defer {
            waiting = Deque()
            waitingBytes = 0
        }
        return waitingBytes
    }
}
