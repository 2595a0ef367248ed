import Glibc
import NIOCore
import Synchronization
import Testing

/// A connection of a test that stays open, and what has become of it.
final class HeldConnection: Sendable {
    private struct State {
        var received = 0
        var hasEnded = false
    }

    private let channel: any Channel
    private let cut: NIOLoopBound<Cut>
    private let state = Mutex(State())

    init(_ channel: any Channel, _ cut: NIOLoopBound<Cut>) {
        self.channel = channel
        self.cut = cut
    }

    var receivedBytes: Int { state.withLock { $0.received } }
    var hasEnded: Bool { state.withLock { $0.hasEnded } }

    /// Returns when TLS and the kernel have taken it.
    func send(_ bytes: ByteBuffer) async throws { try await channel.writeAndFlush(bytes).get() }

    /// Sends, and waits until as much has come back.
    func echo(_ text: String) async throws {
        let wanted = receivedBytes + text.utf8.count
        try await send(ByteBuffer(string: text))
        try await eventually("'\(text.prefix(20))' to come back") { receivedBytes >= wanted || hasEnded }
        guard receivedBytes == wanted else { throw TestFailure("the connection ended, or more came than was sent") }
    }

    /// Resets the connection. Whoever does not read what was sent before sees nothing of an orderly end.
    func reset() async throws {
        let options = try #require(channel as? any SocketOptionProvider)
        try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
        try await channel.eventLoop.submit { [cut] in cut.value.close() }.get()
    }

    /// Stands before TLS, whose farewell would wait for its turn.
    final class Cut: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private var context: ChannelHandlerContext?

        func handlerAdded(context: ChannelHandlerContext) { self.context = context }
        func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }
        func close() { context?.close(promise: nil) }
    }

    final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let connection: HeldConnection

        init(_ connection: HeldConnection) { self.connection = connection }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let count = unwrapInboundIn(data).readableBytes
            connection.state.withLock { $0.received += count }
        }

        func channelInactive(context: ChannelHandlerContext) { connection.state.withLock { $0.hasEnded = true } }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event as? ChannelEvent == .inputClosed { context.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
