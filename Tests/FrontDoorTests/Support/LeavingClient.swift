import NIOCore
import NIOPosix
import NIOSSL

/// A client that hears something, and leaves.
enum LeavingClient {
    enum Way: String, CaseIterable {
        /// By TLS's farewell, and waits for the answer.
        case orderly
        /// The same, but waits for nothing.
        case hasty
        /// Without a farewell, by the end of its TCP direction.
        case ragged
    }

    /// Returns when the door has ended the TCP connection, too.
    static func visit(_ name: String, at port: Int, trusting roots: [NIOSSLCertificate], leaving way: Way) async throws
    {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates(roots)
        let context = try NIOSSLContext(configuration: configuration)
        let (greeted, isGreeted) = AsyncStream.makeStream(of: Void.self)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let tls = try NIOSSLClientHandler(context: context, serverHostname: name)
                    try channel.pipeline.syncOperations.addHandlers([Cut(), tls, Greeted(isGreeted)])
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        for await _ in greeted { break }
        try await channel.eventLoop.submit {
            if way != .ragged { channel.close(promise: nil) }
            if way != .orderly { channel.pipeline.fireUserInboundEventTriggered(Cut.Now()) }
        }.get()
        try await channel.closeFuture.get()
    }

    /// Stands before TLS, which does not hear of the ends.
    private final class Cut: ChannelInboundHandler {
        struct Now {}

        typealias InboundIn = ByteBuffer

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if event is Now {
                context.close(mode: .output, promise: nil)
            } else if let event = event as? ChannelEvent, event == .inputClosed {
                context.close(promise: nil)
            } else {
                context.fireUserInboundEventTriggered(event)
            }
        }
    }

    private final class Greeted: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let greeted: AsyncStream<Void>.Continuation

        init(_ greeted: AsyncStream<Void>.Continuation) { self.greeted = greeted }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { greeted.finish() }

        func channelInactive(context: ChannelHandlerContext) {
            greeted.finish()
            context.fireChannelInactive()
        }
    }
}
