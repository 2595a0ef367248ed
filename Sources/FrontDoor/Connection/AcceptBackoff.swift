import Logging
import NIOCore

/// Keeps a listener alive when the system has no descriptors or memory for another connection: it waits and goes on.
final class AcceptBackoff: ChannelDuplexHandler {
    typealias InboundIn = any Channel
    typealias OutboundIn = Never
    private static let pause: TimeAmount = .milliseconds(200)

    private let logger: Logger
    private var isPaused = false
    private var isReadHeld = false

    init(logger: Logger) { self.logger = logger }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is IOError, context.channel.isActive else {
            context.fireErrorCaught(error)
            return
        }
        guard !isPaused else { return }
        logger.warning("a connection could not be accepted", metadata: ["error": "\(error)"])
        isPaused = true
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) {
            self.isPaused = false
            guard self.isReadHeld else { return }
            self.isReadHeld = false
            bound.value.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadHeld = true } else { context.read() }
    }
}
