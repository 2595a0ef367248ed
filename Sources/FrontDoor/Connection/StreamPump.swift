import NIOCore
import VersCore

/// Carries bytes between a client and a guest until both directions have ended.
///
/// A direction takes the next bytes when the other side has taken the last, so a side that does not read stops the
/// other, and costs no more than the buffers of one read.
struct StreamPump {
    let client: NIOAsyncChannel<ByteBuffer, ByteBuffer>
    let guest: any GuestStream
    let severance: NIOLoopBound<Severance>
    let counted: CountedConnection

    /// Closes both ends before it returns.
    func run() async throws {
        async let departure: Void = closeGuestWhenClientIsGone()
        do {
            try await client.executeThenClose { inbound, outbound in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await upstream(inbound) }
                    group.addTask { try await downstream(outbound) }
                    // A direction that fails takes the other with it; one that ends does not.
                    for try await _ in group {}
                }
            }
        } catch {
            await guest.close()
            throw error
        }
        await guest.close()
        await departure
    }

    /// A client that resets its connection is noticed by nobody who waits for the guest to take or say something.
    private func closeGuestWhenClientIsGone() async {
        // Never fails.
        try? await client.channel.closeFuture.get()
        await guest.close()
    }

    private func upstream(_ inbound: NIOAsyncChannelInboundStream<ByteBuffer>) async throws {
        var isFirst = true
        for try await bytes in inbound {
            if isFirst { counted.note(firstBytes: bytes.readableBytesView) }
            isFirst = false
            try await guest.write(Array(bytes.readableBytesView))
        }
        try Task.checkCancellation()
        try await guest.endWriting()
    }

    private func downstream(_ outbound: NIOAsyncChannelOutboundWriter<ByteBuffer>) async throws {
        while let bytes = try await next() { try await outbound.write(ByteBuffer(bytes: bytes)) }
        // To a client that has ended before, the end of this direction is that of the connection, which drops what is
        // still to be sent.
        try await client.channel.writeAndFlush(ByteBuffer())
        outbound.finish()
    }

    /// A guest that breaks off breaks the client off, too, unless it is the client who has left.
    private func next() async throws -> [UInt8]? {
        do {
            return try await guest.read()
        } catch  where !Task.isCancelled {
            let severance = severance
            try await client.channel.eventLoop.submit { severance.value.sever() }.get()
            throw error
        }
    }
}
