import CGuest
import Glibc
import GuestProtocol

/// An established connection of the guest, and what is on its way through it.
final class GuestSocket {
    let channel: UInt32
    let descriptor: Int32
    /// What the host has room for.
    var sendWindow = SendWindow(limit: ProtocolLimits.streamWindowInBytes)
    var receiveWindow = ReceiveWindow(limit: ProtocolLimits.streamWindowInBytes)
    /// From the host, not taken by the kernel yet.
    var waiting = Deque<ArraySlice<UInt8>>()
    var isWritable = true
    var isReadable = true
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

    /// Writes what waits, as far as the kernel takes it.
    /// - Returns: how many bytes are gone from here.
    func flush() -> Int {
        var count = 0
        while isWritable, let piece = waiting.popFirst() {
            let sent = piece.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if sent == piece.count {
                count += sent
            } else if sent >= 0 {
                count += sent
                waiting.putBack(piece.dropFirst(sent))
            } else if errno == EINTR {
                waiting.putBack(piece)
            } else if errno == EAGAIN {
                waiting.putBack(piece)
                isWritable = false
            } else {
                count += piece.count + discard(because: errno)
            }
        }
        return count
    }

    private func discard(because number: Int32) -> Int {
        writeError = number
        isShutDown = true
        var count = 0
        while let piece = waiting.popFirst() { count += piece.count }
        return count
    }
}
