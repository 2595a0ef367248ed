import GuestProtocol
import NIOCore

/// Bytes to frames and back. Malformed blocks are dropped by the decoder.
final class FrameCodec: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = Frame
    typealias OutboundIn = Frame
    typealias OutboundOut = ByteBuffer

    private var decoder = FrameDecoder()

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        bytes.withUnsafeReadableBytes { block in
            decoder.decode(block) { context.fireChannelRead(wrapInboundOut($0)) }
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let frame = unwrapOutboundIn(data)
        // A predecessor may have left half a frame on the wire: a delimiter in front ends it.
        var bytes: [UInt8] = frame.type == .hello ? [Frame.delimiter] : []
        frame.encode(into: &bytes)
        context.write(wrapOutboundOut(context.channel.allocator.buffer(bytes: bytes)), promise: promise)
    }
}
