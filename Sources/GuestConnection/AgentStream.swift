import GuestProtocol
import Synchronization
import VersAPI
import VersCore

/// A TCP connection that the agent has opened. Ends when it is let go of.
final class AgentStream: GuestStream {
    private let core: SessionCore
    private let number: UInt32
    private let flow: StreamFlow
    private let isClosed = Mutex(false)

    init(core: SessionCore, number: UInt32, flow: StreamFlow) {
        self.core = core
        self.number = number
        self.flow = flow
    }

    deinit { end() }

    func read() async throws -> [UInt8]? {
        guard let bytes = try await flow.next() else { return nil }
        if let credit = flow.consume(bytes.count) { core.postCredit(credit, number) }
        return bytes
    }

    func write(_ bytes: [UInt8]) async throws {
        var position = 0
        while position < bytes.count {
            let size = try await flow.reserve(min(ProtocolLimits.payloadInBytes, bytes.count - position))
            let piece = size == bytes.count ? bytes : Array(bytes[position..<position + size])
            try await core.send(.data, flags: .unchecked, number, piece)
            position += size
        }
    }

    func endWriting() async throws {
        guard try flow.endWriting() else { return }
        // Without waiting, so that nothing cancels what the flow has noted already.
        core.post(.data, flags: .end, number, [])
    }

    func close() async { end() }

    private func end() {
        let isFirst = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        core.closeChannel(number, hasEnded: flow.close())
    }
}
