import NIOCore

/// Keeps what comes over a connection until it is joined to another.
///
/// A channel that does not read by itself is read to its end all the same when the far end has closed its direction: NIO
/// wants to know of it. Without this, a client that sends a little and ends at once would be heard by nobody.
///
/// Belongs to the channel's event loop.
final class HeldInput: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var bytes = ByteBuffer()
    private(set) var hasEnded = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { bytes.writeImmutableBuffer(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            hasEnded = true
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// Gives everything to whoever stands behind it.
    func handlerRemoved(context: ChannelHandlerContext) {
        if bytes.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(bytes))
            context.fireChannelReadComplete()
        }
        if hasEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
    }
}
