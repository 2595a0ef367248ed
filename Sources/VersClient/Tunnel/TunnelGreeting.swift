import Foundation
import NIOCore
import NIOFoundationCompat
import VersAPI

/// Says where to go, waits for the door's line, and leaves the pipeline to the bytes behind it.
///
/// Its state belongs to the channel's event loop.
final class TunnelGreeting: ChannelInboundHandler, RemovableChannelHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let lineLimit = 16 * 1024

    /// Succeeds when the way is open.
    let answer: EventLoopFuture<Void>

    private let promise: EventLoopPromise<Void>
    private let request: TunnelRequest
    private let timeout: TimeAmount
    private var timer: Scheduled<Void>?
    private var received = ByteBuffer()
    private var isAnswered = false

    init(request: TunnelRequest, timeout: TimeAmount, on loop: any EventLoop) {
        self.request = request
        self.timeout = timeout
        promise = loop.makePromise()
        answer = promise.futureResult
    }

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        timer = context.eventLoop.scheduleTask(in: timeout) { [self] in
            fail(VersError(.timedOut, "the front door did not open the way within \(timeout)"), channel: channel)
        }
        do {
            var line = ByteBuffer()
            try line.writeBytes(JSONCoding.encode(request))
            line.writeInteger(UInt8(ascii: "\n"))
            context.writeAndFlush(wrapOutboundOut(line), promise: nil)
        } catch {
            fail(error, channel: channel)
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        received.writeImmutableBuffer(unwrapInboundIn(data))
        guard !isAnswered else { return }
        guard let end = received.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if received.readableBytes > Self.lineLimit { fail(Self.notOurs, channel: context.channel) }
            return
        }
        let line = received.readSlice(length: end - received.readerIndex) ?? ByteBuffer()
        received.moveReaderIndex(forwardBy: 1)
        read(Data(buffer: line), channel: context.channel)
    }

    private func read(_ line: Data, channel: any Channel) {
        guard let reply = try? JSONCoding.decode(TunnelReply.self, from: line) else {
            return fail(Self.notOurs, channel: channel)
        }
        guard reply.ok else {
            let message = reply.error ?? "the front door refused"
            return fail(VersError(reply.code ?? .unavailable, message, hint: reply.hint), channel: channel)
        }
        isAnswered = true
        timer?.cancel()
        // What comes next is read when somebody takes it.
        channel.setOption(.autoRead, value: false).cascade(to: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(VersError(.unreachable, "the front door closed the connection"), channel: context.channel)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isAnswered { return context.fireErrorCaught(error) }
        fail(error, channel: context.channel)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        // Bytes that came with the door's line belong to whoever stands behind us.
        if received.readableBytes > 0 {
            context.fireChannelRead(wrapInboundOut(received))
            context.fireChannelReadComplete()
        }
        fail(ChannelError.ioOnClosedChannel, channel: context.channel)
    }

    private func fail(_ error: any Error, channel: any Channel) {
        guard !isAnswered else { return }
        isAnswered = true
        timer?.cancel()
        promise.fail(error)
        channel.close(promise: nil)
    }

    private static var notOurs: VersError {
        VersError(
            .incompatible,
            "the front door does not speak \(TunnelDoor.applicationProtocol)",
            hint: "client and server may be of different versions"
        )
    }
}
