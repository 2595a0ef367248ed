public import NIOCore

/// Two connections joined into one: what one side sends, the other gets.
///
/// Neither is read while the other cannot be written, so a side that does not read costs a bounded amount of memory. An
/// end of one direction is passed on, and the other direction goes on.
public enum Splice {
    /// The side that ended first.
    public enum End: Sendable {
        case first
        case second
    }

    /// Has a channel that does not read by itself keep what comes before it is joined. To be called by the channel's
    /// initializer.
    public static func hold(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(HeldInput())
    }

    /// Joins two channels of one event loop, which are not reading by themselves and were held since they were made.
    /// - Parameter whenEnding: called on the event loop with the side that has ended its direction, or was lost, first,
    ///   before the other side gets to know.
    /// - Returns: when both are closed. Fails, and both are closed, when one was lost before.
    public static func join(
        _ first: any Channel,
        _ second: any Channel,
        whenEnding: @escaping @Sendable (End) -> Void = { _ in }
    ) -> EventLoopFuture<Void> {
        first.eventLoop.flatSubmit {
            let one = SpliceHandler()
            let other = SpliceHandler()
            do {
                let shared = SpliceState(whenEnding)
                one.state = shared
                other.state = shared
                one.side = .first
                other.side = .second
                one.peer = second
                other.peer = first
                one.partner = other
                other.partner = one
                try first.pipeline.syncOperations.addHandler(one)
                try second.pipeline.syncOperations.addHandler(other)
                for channel in [first, second] {
                    drop(TunnelGreeting.self, of: channel)
                    drop(HeldInput.self, of: channel)
                }
                first.read()
                second.read()
            } catch {
                first.close(promise: nil)
                second.close(promise: nil)
                return first.eventLoop.makeFailedFuture(error)
            }
            return first.closeFuture.and(second.closeFuture).map { _ in
                one.partner = nil
                other.partner = nil
            }
        }
    }

    private static func drop<Handler: RemovableChannelHandler>(_ type: Handler.Type, of channel: any Channel) {
        if let handler = try? channel.pipeline.syncOperations.handler(type: type) {
            channel.pipeline.syncOperations.removeHandler(handler, promise: nil)
        }
    }
}

/// What both sides of a splice know. Belongs to their event loop.
private final class SpliceState {
    private let whenEnding: @Sendable (Splice.End) -> Void
    private var hasEnded = false

    init(_ whenEnding: @escaping @Sendable (Splice.End) -> Void) { self.whenEnding = whenEnding }

    /// - Parameter side: the one that ended its direction. The first call counts.
    func end(_ side: Splice.End) {
        guard !hasEnded else { return }
        hasEnded = true
        whenEnding(side)
    }
}

/// One side of a splice: reads as fast as the other is written. Belongs to the event loop of both channels.
private final class SpliceHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var state: SpliceState?
    var side = Splice.End.first
    var peer: (any Channel)?
    /// The handlers keep each other until their channels are closed, which ``Splice/join(_:_:)`` waits for.
    var partner: SpliceHandler?
    private var context: ChannelHandlerContext?
    private var isHeldBack = false
    /// It sends nothing more.
    private var hasEnded = false
    /// The other has been told so, and has been sent everything before.
    private var isDelivered = false
    private var isGone = false

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        peer?.write(unwrapInboundIn(data), promise: nil)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        guard let peer, !hasEnded else { return }
        peer.flush()
        if peer.isWritable { context.read() } else { isHeldBack = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.resume() }
        context.fireChannelWritabilityChanged()
    }

    private func resume() {
        guard isHeldBack, !hasEnded else { return }
        isHeldBack = false
        context?.read()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { end() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        isGone = true
        end()
        closeIfDone()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        state?.end(side)
        context.close(promise: nil)
    }

    /// This side sends nothing more: the other is told so behind everything that is still to be written to it.
    private func end() {
        guard !hasEnded else { return }
        hasEnded = true
        state?.end(side)
        guard let peer else { return }
        peer.flush()
        peer.close(mode: .output).whenComplete { [self] _ in
            isDelivered = true
            closeIfDone()
        }
    }

    /// Closes what has nothing more to carry.
    private func closeIfDone() {
        guard isDelivered, isGone || partner?.isDelivered ?? true else { return }
        peer?.close(promise: nil)
        context?.close(promise: nil)
    }
}
