import NIOCore

/// Stands behind TLS, and ends a connection that we close as soon as its client has ended, too.
///
/// `NIOSSLHandler` then waits for a farewell, and where clients may close one direction alone it takes no notice of the one
/// that comes, nor of an end without one: it would keep the connection for the 5 s that it waits at most.
final class Farewell: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let severance: Severance
    private var hasClientEnded = false
    private var isClosing = false

    init(_ severance: Severance) { self.severance = severance }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            hasClientEnded = true
            endIfBothHave()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        // Our own farewell is on its way when this returns.
        context.close(mode: mode, promise: promise)
        guard mode == .all else { return }
        isClosing = true
        endIfBothHave()
    }

    private func endIfBothHave() {
        if isClosing, hasClientEnded { severance.severWhenSent() }
    }
}
