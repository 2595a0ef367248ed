import GuestProtocol
import NIOCore
import Synchronization
import VersAPI
import VersCore

/// Takes the frames of one channel.
protocol FrameReceiver: Sendable {
    /// - Throws: ``ProtocolError`` when the guest has sent what it may not; the channel is of no use then.
    func push(_ frame: Frame) throws(ProtocolError)

    /// Ends the channel: what has arrived can still be taken, then `error` is thrown.
    func fail(_ error: any Error)
}

/// Both directions of a stream: what has arrived and was not taken, and what may be sent.
final class StreamFlow: FrameReceiver {
    private typealias Waiter = CheckedContinuation<Void, any Error>

    private struct State {
        var isOpen = false
        var arrived = CircularBuffer<[UInt8]>()
        var receiveWindow = ReceiveWindow(limit: ProtocolLimits.streamWindowInBytes)
        var sendWindow = SendWindow(limit: ProtocolLimits.streamWindowInBytes)
        var hasGuestEnded = false
        var hasHostEnded = false
        /// Whether the agent has forgotten the channel.
        var isOver = false
        var failure: (any Error)?
        var openWaiter: Waiter?
        var readWaiter: Waiter?
        var writeWaiter: Waiter?

        var canOpen: Bool { isOpen || failure != nil }
        var canRead: Bool { !arrived.isEmpty || hasGuestEnded || failure != nil }
        var canWrite: Bool { sendWindow.available > 0 || hasHostEnded || failure != nil }

        /// Takes out the waiters that need not wait any more.
        mutating func takeReady() -> [Waiter] {
            var ready: [Waiter?] = []
            if canOpen {
                ready.append(openWaiter)
                openWaiter = nil
            }
            if canRead {
                ready.append(readWaiter)
                readWaiter = nil
            }
            if canWrite {
                ready.append(writeWaiter)
                writeWaiter = nil
            }
            return ready.compactMap { $0 }
        }
    }

    private let state = Mutex(State())

    func push(_ frame: Frame) throws(ProtocolError) {
        var refusal: ProtocolError?
        let ready = state.withLock { state in
            do throws(ProtocolError) {
                try Self.admit(frame, to: &state)
            } catch {
                refusal = error
            }
            return state.takeReady()
        }
        for waiter in ready { waiter.resume() }
        if let refusal { throw refusal }
    }

    private static func admit(_ frame: Frame, to state: inout State) throws(ProtocolError) {
        switch frame.type {
        case .reply where !state.isOpen: state.isOpen = true
        case .data where state.isOpen && !state.hasGuestEnded:
            try state.receiveWindow.receive(frame.payload.count)
            if !frame.payload.isEmpty { state.arrived.append(frame.payload) }
            state.hasGuestEnded = frame.flags.contains(.end)
        case .credit where state.isOpen:
            var reader = ByteReader(frame.payload)
            try state.sendWindow.grant(try reader.read("credit"))
            try reader.finish()
        case .failure:
            let failure = VersError(try Failure(decoding: frame.payload))
            state.failure = state.failure ?? failure
            state.isOver = true
        default: throw .unknownType(frame.type.rawValue)
        }
    }

    func fail(_ error: any Error) {
        let ready = state.withLock { state in
            state.failure = state.failure ?? error
            return state.takeReady()
        }
        for waiter in ready { waiter.resume() }
    }

    /// Returns when the connection is established.
    func opened() async throws {
        try await wait(in: \.openWaiter) { $0.canOpen }
        try state.withLock { if !$0.isOpen, let failure = $0.failure { throw failure } }
    }

    /// The next bytes; nil at the end.
    func next() async throws -> [UInt8]? {
        try await wait(in: \.readWaiter) { $0.canRead }
        return try state.withLock { state in
            if let bytes = state.arrived.popFirst() { return bytes }
            if state.hasGuestEnded { return nil }
            throw state.failure ?? CancellationError()
        }
    }

    /// Counts bytes that were used up.
    /// - Returns: credit to send, when enough has come together.
    func consume(_ count: Int) -> UInt32? {
        state.withLock { state in
            state.hasGuestEnded || state.failure != nil ? nil : state.receiveWindow.consume(count)
        }
    }

    /// Waits until something may be sent.
    /// - Returns: how many bytes, at most `wanted`.
    func reserve(_ wanted: Int) async throws -> Int {
        try await wait(in: \.writeWaiter) { $0.canWrite }
        return try state.withLock { state in
            if let failure = state.failure { throw failure }
            guard !state.hasHostEnded else {
                throw VersError(.conflict, "the direction to the guest has been ended: nothing more can be written")
            }
            let size = min(wanted, state.sendWindow.available)
            state.sendWindow.spend(size)
            return size
        }
    }

    /// - Returns: whether the guest is to be told.
    func endWriting() throws -> Bool {
        try state.withLock { state in
            if let failure = state.failure { throw failure }
            defer { state.hasHostEnded = true }
            return !state.hasHostEnded
        }
    }

    /// Wakes whoever waits.
    /// - Returns: whether the agent has forgotten the channel by itself, or will.
    func close() -> Bool {
        fail(VersError(.cancelled, "the connection was closed"))
        return state.withLock { $0.isOver || ($0.hasGuestEnded && $0.hasHostEnded) }
    }

    private func wait(
        in slot: any WritableKeyPath<State, Waiter?> & Sendable,
        until isReady: @Sendable (State) -> Bool
    ) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: Waiter) in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if isReady(state) { return .success(()) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    precondition(state[keyPath: slot] == nil, "two callers wait for one direction of a stream")
                    state[keyPath: slot] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                defer { state[keyPath: slot] = nil }
                return state[keyPath: slot]
            }
            waiter?.resume(throwing: CancellationError())
        }
    }
}
