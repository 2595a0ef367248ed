import Foundation
import GuestProtocol
import NIOCore
import NIOPosix
import Synchronization
import SystemPackage

/// A guest that greets, takes every connection, and reads as long as it is let.
final class MuteGuest: Sendable {
    let socket: FilePath
    private let state = Mutex(State())

    /// What requests are answered with; nil: they succeed.
    fileprivate let refusal: Failure?

    fileprivate struct State {
        var connection: (any Channel)?
        var receivedBytes = 0
    }

    private init(_ socket: FilePath, refusal: Failure?) {
        self.socket = socket
        self.refusal = refusal
    }

    static func run(refusing refusal: Failure? = nil, _ body: (MuteGuest) async throws -> Void) async throws {
        let directory = "/tmp/vers-mute-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let guest = MuteGuest(FilePath("\(directory)/agent.sock"), refusal: refusal)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(MuteHandler(guest))
                    guest.state.withLock { $0.connection = channel }
                }
            }
            .bind(unixDomainSocketPath: guest.socket.string).get()
        do {
            try await body(guest)
        } catch {
            try? await server.close().get()
            throw error
        }
        try await server.close().get()
    }

    /// Bytes of streams that have arrived.
    var receivedBytes: Int { state.withLock { $0.receivedBytes } }

    func setReading(_ reads: Bool) async throws {
        try await state.withLock { $0.connection }?.setOption(.autoRead, value: reads).get()
    }

    fileprivate func note(_ count: Int) { state.withLock { $0.receivedBytes += count } }
}

private final class MuteHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let guest: MuteGuest
    private var decoder = FrameDecoder()

    init(_ guest: MuteGuest) { self.guest = guest }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for frame in decoder.decode(Array(buffer: unwrapInboundIn(data))) {
            switch frame.type {
            case .hello:
                guard let hello = try? Hello(decoding: frame.payload) else { continue }
                let facts = GuestFacts(agentVersion: "mute", kernelRelease: "", initName: "")
                send(HelloAcknowledgement(nonce: hello.nonce, version: 1, facts: facts).frame, context)
            case .request:
                let type: FrameType = guest.refusal == nil ? .reply : .failure
                let payload = guest.refusal?.encoded() ?? []
                send(Frame(type, session: frame.session, channel: frame.channel, payload: payload), context)
            case .data: guest.note(frame.payload.count)
            default: continue
            }
        }
    }

    private func send(_ frame: Frame, _ context: ChannelHandlerContext) {
        var bytes: [UInt8] = []
        frame.encode(into: &bytes)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }
}
