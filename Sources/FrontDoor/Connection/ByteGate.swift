import NIOCore
import NIOTLS

/// Holds the bytes of a connection back until somebody has looked at the first of them, and then lets all through.
///
/// Reads only while somebody waits, so that a client can make it hold no more than was asked for and one read.
/// Its methods are called on the channel's event loop.
final class ByteGate: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// The beginning of what a client has sent.
    struct Collected: Sendable {
        var bytes: [UInt8]
        /// Whether the condition was met; else the time was up, the client has ended, or said too much.
        var isComplete: Bool
        /// Whether no more will come.
        var hasEnded: Bool
    }

    private struct Wait {
        var isComplete: @Sendable (ByteBufferView) -> Bool
        var limit: Int
        var promise: EventLoopPromise<Collected>
        var timeout: Scheduled<Void>
    }

    private enum Phase {
        case closed
        case open
        /// Whatever comes is thrown away.
        case draining
    }

    private var phase = Phase.closed
    private var held = ByteBuffer()
    private var hasEnded = false
    private var wait: Wait?
    private var isReadHeld = false
    private var context: ChannelHandlerContext?
    /// Pending as long as a TLS handshake goes on before this handler.
    private var handshake: EventLoopPromise<String?>?

    init(handshake: EventLoopPromise<String?>? = nil) { self.handshake = handshake }

    /// Waits until `isComplete` says so of everything that has come, but for `limit` bytes, the end, or the time at most.
    func collect(
        limit: Int,
        within time: TimeAmount,
        until isComplete: @escaping @Sendable (ByteBufferView) -> Bool
    ) -> EventLoopFuture<Collected>? {
        guard let context, wait == nil, case .closed = phase else { return nil }
        let promise = context.eventLoop.makePromise(of: Collected.self)
        let timeout = context.eventLoop.assumeIsolated().scheduleTask(in: time) { self.finish(isComplete: false) }
        wait = Wait(isComplete: isComplete, limit: limit, promise: promise, timeout: timeout)
        check()
        readOn()
        return promise.futureResult
    }

    /// Lets everything through but the first `dropping` bytes, and leaves the pipeline.
    func open(dropping count: Int) {
        guard let context, case .closed = phase else { return }
        phase = .open
        held.moveReaderIndex(forwardBy: min(count, held.readableBytes))
        if held.readableBytes > 0 {
            let bytes = held
            held = ByteBuffer()
            context.fireChannelRead(wrapInboundOut(bytes))
            context.fireChannelReadComplete()
        }
        if hasEnded { context.fireUserInboundEventTriggered(ChannelEvent.inputClosed) }
        readOn()
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// Throws away what has come and what will.
    func drain() {
        guard case .closed = phase else { return }
        phase = .draining
        held = ByteBuffer()
        readOn()
    }

    private func readOn() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    private func check() {
        guard let wait else { return }
        if wait.isComplete(held.readableBytesView) {
            finish(isComplete: true)
        } else if hasEnded || held.readableBytes >= wait.limit {
            finish(isComplete: false)
        }
    }

    private func finish(isComplete: Bool) {
        guard let wait else { return }
        self.wait = nil
        wait.timeout.cancel()
        wait.promise.succeed(
            Collected(bytes: Array(held.readableBytesView), isComplete: isComplete, hasEnded: hasEnded)
        )
    }

    private func end(_ error: any Error) {
        hasEnded = true
        handshake?.fail(error)
        handshake = nil
        check()
    }
}

extension ByteGate {
    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(ChannelError.ioOnClosedChannel)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch phase {
        case .open: context.fireChannelRead(data)
        case .draining: break
        case .closed:
            var bytes = unwrapInboundIn(data)
            held.writeBuffer(&bytes)
            check()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .open = phase { context.fireChannelReadComplete() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(ChannelError.eof)
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case TLSUserEvent.handshakeCompleted(let negotiated):
            handshake?.succeed(negotiated)
            handshake = nil
        case ChannelEvent.inputClosed where phase == .closed:
            end(ChannelError.inputClosed)
            return
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    /// A connection that fails before anybody uses it is closed; nobody else would hear of the failure.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(error)
        switch phase {
        case .open: context.fireErrorCaught(error)
        case .closed, .draining: context.close(promise: nil)
        }
    }

    func read(context: ChannelHandlerContext) {
        if phase != .closed || wait != nil || handshake != nil {
            context.read()
        } else {
            isReadHeld = true
        }
    }
}
