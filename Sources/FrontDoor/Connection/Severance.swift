import NIOCore

/// Stands before TLS, and can end a connection without its farewell: the client is to see that something is missing.
final class Severance: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// To be called on the event loop.
    func sever() { context?.close(promise: nil) }

    /// The same, once everything has been sent that was written until now. To be called on the event loop.
    func severWhenSent() {
        guard let context else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer())).whenComplete { _ in bound.value.close(promise: nil) }
    }
}
