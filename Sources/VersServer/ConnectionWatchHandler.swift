import NIOCore

/// Counts one connection for as long as it is in the pipeline, and notices when its client leaves.
final class ConnectionWatchHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = NIOAny

    private let counters: ServerCounters
    private let follows: FollowedStreams

    init(counters: ServerCounters, follows: FollowedStreams) {
        self.counters = counters
        self.follows = follows
    }

    func handlerAdded(context: ChannelHandlerContext) { counters.connectionOpened() }

    func handlerRemoved(context: ChannelHandlerContext) {
        counters.connectionClosed()
        follows.connectionGone(context.channel)
    }

    /// Half-closure is allowed on these connections, so a client that goes away first shows as this event.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { follows.clientLeft(context.channel) }
        context.fireUserInboundEventTriggered(event)
    }
}
