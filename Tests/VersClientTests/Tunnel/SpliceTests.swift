import Foundation
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import VersClient

/// Real sockets; the test holds the far ends.
@Suite(.timeLimit(.minutes(1))) struct SpliceTests {
    private typealias Far = NIOAsyncChannel<ByteBuffer, ByteBuffer>

    private struct Joined {
        var first: Far
        var second: Far
        /// The splice's own end of the second connection.
        var near: any Channel
        var done: EventLoopFuture<Void>
        var ends: Ends
    }

    /// Which side was the first to end.
    private final class Ends: Sendable {
        private let seen = Mutex<[Splice.End]>([])
        var all: [Splice.End] { seen.withLock { $0 } }
        func add(_ end: Splice.End) { seen.withLock { $0.append(end) } }
    }

    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func connection() async throws -> (near: any Channel, far: Far) {
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let near = try await ClientBootstrap(group: loop)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: false)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try Splice.hold(channel) } }
            .withConnectedSocket(ends[0]).get()
        let far = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .withConnectedSocket(ends[1]) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Far(
                        wrappingChannelSynchronously: channel,
                        configuration: .init(
                            backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2),
                            isOutboundHalfClosureEnabled: true
                        )
                    )
                }
            }
        return (near, far)
    }

    private func join() async throws -> Joined {
        try await join(try await connection(), try await connection())
    }

    private func join(
        _ first: (near: any Channel, far: Far),
        _ second: (near: any Channel, far: Far)
    ) async throws -> Joined {
        let ends = Ends()
        let done = Splice.join(first.near, second.near) { ends.add($0) }
        return Joined(first: first.far, second: second.far, near: second.near, done: done, ends: ends)
    }

    private static func text(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async throws -> String {
        var all = ByteBuffer()
        for try await piece in inbound { all.writeImmutableBuffer(piece) }
        return String(buffer: all)
    }

    /// Sends it, and nothing more.
    private static func say(_ text: String, _ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws {
        try await outbound.write(ByteBuffer(string: text))
        outbound.finish()
    }

    @Test func `an end is passed on behind the bytes before it, and the other direction goes on`() async throws {
        let joined = try await join()
        try await joined.first.executeThenClose { fromFirst, toFirst in
            try await joined.second.executeThenClose { fromSecond, toSecond in
                try await Self.say("question", toFirst)
                #expect(try await Self.text(fromSecond) == "question")
                try await Self.say("answer", toSecond)
                #expect(try await Self.text(fromFirst) == "answer")
            }
        }
        try await joined.done.get()
        #expect(joined.ends.all == [.first])
    }

    /// Until the near end knows that the far end sends nothing more.
    private func waitForEnd(of channel: any Channel) async throws {
        while true {
            let hasEnded = try await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.handler(type: HeldInput.self).hasEnded
            }.get()
            if hasEnded { return }
            try await Task.sleep(for: .milliseconds(1))
        }
    }

    @Test func `what came before both were joined is passed on, with its end`() async throws {
        let (first, second) = (try await connection(), try await connection())
        try await first.far.executeThenClose { fromFirst, toFirst in
            try await Self.say("question", toFirst)
            try await waitForEnd(of: first.near)
            let joined = try await join(first, second)
            try await joined.second.executeThenClose { fromSecond, toSecond in
                #expect(try await Self.text(fromSecond) == "question")
                try await Self.say("answer", toSecond)
                #expect(try await Self.text(fromFirst) == "answer")
            }
            try await joined.done.get()
            #expect(joined.ends.all == [.first])
        }
    }

    @Test func `a side that was lost before both were joined takes the other with it`() async throws {
        let (first, second) = (try await connection(), try await connection())
        try await first.near.close()
        let joined = try await join(first, second)
        try await joined.second.executeThenClose { fromSecond, _ in
            let rest = try await Self.text(fromSecond)
            #expect(rest.isEmpty)
        }
        await #expect(throws: ChannelError.ioOnClosedChannel) { try await joined.done.get() }
        // It may have noticed by now.
        try? await first.far.channel.close()
    }

    @Test func `a side that is gone takes the other with it, and is named`() async throws {
        let joined = try await join()
        try await joined.first.executeThenClose { fromFirst, toFirst in
            try await joined.second.executeThenClose { _, toSecond in
                try await toSecond.write(ByteBuffer(string: "last words"))
            }
            #expect(try await Self.text(fromFirst) == "last words")
            toFirst.finish()
        }
        try await joined.done.get()
        #expect(joined.ends.all == [.second])
    }

    @Test func `a side that does not read stops the other, and gets everything when it does`() async throws {
        let joined = try await join()
        let (piece, count) = (ByteBuffer(repeating: 7, count: 64 * 1024), 512)
        try await joined.first.executeThenClose { _, toFirst in
            try await joined.second.executeThenClose { fromSecond, toSecond in
                async let sent: Void = {
                    for _ in 0..<count { try await toFirst.write(piece) }
                    toFirst.finish()
                }()
                var (received, held) = (0, 0)
                for try await bytes in fromSecond {
                    received += bytes.readableBytes
                    held = max(held, try await joined.near.getOption(.bufferedWritableBytes).get())
                }
                try await sent
                #expect(received == count * piece.readableBytes)
                // The mark at which it stops, and what one turn of reads brings.
                #expect(held <= 1024 * 1024)
                toSecond.finish()
            }
        }
        try await joined.done.get()
    }

    @Test func `two ends that close at once are closed once`() async throws {
        let joined = try await join()
        async let first: Void = joined.first.executeThenClose { _, _ in }
        async let second: Void = joined.second.executeThenClose { _, _ in }
        _ = try await (first, second)
        try await joined.done.get()
        #expect(joined.ends.all.count == 1)
    }
}
