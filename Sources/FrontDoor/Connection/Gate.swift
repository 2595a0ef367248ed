import NIOCore
import NIOPosix

/// A ``ByteGate`` as tasks use it.
struct Gate: Sendable {
    private let loop: any EventLoop
    private let handler: NIOLoopBound<ByteGate>

    /// To be called on the channel's event loop.
    init(_ handler: ByteGate, on loop: any EventLoop) {
        self.loop = loop
        self.handler = NIOLoopBound(handler, eventLoop: loop)
    }

    /// What a client has sent, once `isComplete` says that it is enough.
    /// - Returns: early, with `isComplete` false, when the time is up, the client has ended, or said `limit` bytes.
    func collect(
        limit: Int,
        within time: Duration,
        until isComplete: @escaping @Sendable (ByteBufferView) -> Bool
    ) async throws -> ByteGate.Collected {
        try await loop.flatSubmit { [loop, handler] in
            handler.value.collect(limit: limit, within: TimeAmount(time), until: isComplete)
                ?? loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }.get()
    }

    /// To be called on the event loop.
    func open(dropping count: Int = 0) { handler.value.open(dropping: count) }

    func drain() async throws { try await loop.submit { [handler] in handler.value.drain() }.get() }
}
