import GuestProtocol
import Logging
import NIOCore
import Synchronization
import VersAPI

import struct Foundation.Date

/// The state that a session, its calls and its commands share.
final class SessionCore: Sendable {
    private struct State {
        var handshake: HostHandshake
        var receivers: [UInt32: any FrameReceiver] = [:]
        var lastChannel: UInt32 = 0
        var isClosed = false
        var lastFrame = ContinuousClock.now
        var facts: GuestFacts?
        var begin = Date.distantPast
        var closeWaiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var lastWaiter: UInt64 = 0
    }

    /// Receives the answer to `hello`, under the number that no call has.
    let opening = Inbox()
    let nonce: SessionNonce
    let streamGrowth = StreamGrowth()
    /// What may wait to be written, beside small frames.
    static let queueLimitInBytes = 256 * 1024
    private let gate = SendGate(limit: SessionCore.queueLimitInBytes)
    private let channel: any Channel
    private let logger: Logger
    private let state: Mutex<State>

    init(channel: any Channel, logger: Logger) {
        self.channel = channel
        self.logger = logger
        nonce = SessionNonce.random()
        state = Mutex(State(handshake: HostHandshake(nonce: nonce)))
    }

    var isOpen: Bool { state.withLock { !$0.isClosed } }

    /// What the agent has told of itself; nil before it has answered.
    var facts: GuestFacts? { state.withLock { $0.facts } }

    /// When it has answered.
    var begin: Date { state.withLock { $0.begin } }

    /// When the agent was heard of last in this session; before it was, when the session began.
    var lastFrame: ContinuousClock.Instant { state.withLock { $0.lastFrame } }

    /// A number that was not used in this session, and where its frames arrive.
    func openChannel() throws -> (number: UInt32, inbox: Inbox) {
        let inbox = Inbox()
        return (try openChannel(inbox), inbox)
    }

    /// A number that was not used in this session; its frames go to `receiver`.
    func openChannel(_ receiver: any FrameReceiver) throws -> UInt32 {
        try state.withLock { state in
            guard !state.isClosed else { throw VersError.connectionLost() }
            state.lastChannel += 1
            state.receivers[state.lastChannel] = receiver
            return state.lastChannel
        }
    }

    /// Forgets the channel, and has the guest forget it too unless it has ended.
    func closeChannel(_ number: UInt32, hasEnded: Bool) {
        let wasOpen = state.withLock { $0.receivers.removeValue(forKey: number) != nil && !$0.isClosed }
        if wasOpen, !hasEnded { post(.cancel, number, []) }
    }

    /// Sends without waiting: for small frames.
    func post(_ type: FrameType, flags: FrameFlags = [], _ number: UInt32, _ payload: [UInt8]) {
        channel.writeAndFlush(frame(type, flags, number, payload), promise: nil)
    }

    /// Sends; waits while too much waits to be written already. That it was written is known by the answer only.
    func send(_ type: FrameType, flags: FrameFlags = [], _ number: UInt32, _ payload: [UInt8]) async throws {
        try await send(frame(type, flags, number, payload))
    }

    /// Returns when the frame is on its way, which it may be for ever where a monitor hangs.
    /// - Throws: `CancellationError` when the task is cancelled before.
    func send(_ frame: Frame) async throws {
        let count = frame.payload.count
        try await gate.enter(count)
        let promise = channel.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { [gate] _ in gate.leave(count) }
        channel.writeAndFlush(frame, promise: promise)
    }

    /// Bytes of payload that wait to be written.
    var queuedBytes: Int { gate.occupied }

    func sendRequest(_ request: Request, on number: UInt32) async throws {
        let message = request.encoded()
        guard message.count <= ProtocolLimits.messageInBytes else {
            throw VersError(
                .payloadTooLarge,
                "the request has \(message.count) bytes: the limit is \(ProtocolLimits.messageInBytes)"
            )
        }
        for frame in MessageAssembler.split(.request, session: nonce.session, channel: number, message: message) {
            try await send(frame)
        }
    }

    private func frame(_ type: FrameType, _ flags: FrameFlags, _ number: UInt32, _ payload: [UInt8]) -> Frame {
        Frame(type, flags: flags, session: nonce.session, channel: number, payload: payload)
    }

    /// Takes a frame from the wire. Never waits.
    func receive(_ frame: Frame) {
        let (action, receiver) = state.withLock { state in
            let action = state.handshake.receive(frame)
            if action != .ignore { state.lastFrame = .now }
            return (action, state.receivers[frame.channel])
        }
        do throws(ProtocolError) {
            switch action {
            case .ignore: break
            case .established(let answer):
                state.withLock { state in
                    state.facts = answer.facts
                    state.begin = Date()
                }
                try opening.push(frame)
            case .refused(let facts):
                opening.fail(
                    VersError(
                        .incompatible,
                        "the guest's agent (version \(facts.agentVersion)) speaks no protocol that this host does",
                        hint: "start the machine from its disk, so that it gets the present agent"
                    )
                )
            case .deliver(let frame): try receiver?.push(frame)
            }
        } catch {
            logger.warning("guest broke the protocol", metadata: ["guest.error": "\(error)"])
            receiver?.fail(VersError.protocolViolation(error))
            closeChannel(frame.channel, hasEnded: false)
        }
    }

    /// Fails everything that waits.
    func connectionLost() {
        let (receivers, waiters) = state.withLock { state in
            state.isClosed = true
            defer {
                state.receivers.removeAll()
                state.closeWaiters.removeAll()
            }
            return (Array(state.receivers.values), Array(state.closeWaiters.values))
        }
        gate.close()
        for receiver in receivers + [opening] { receiver.fail(VersError.connectionLost()) }
        for waiter in waiters { waiter.resume() }
    }

    func close() async {
        try? await channel.close().get()
    }

    func closeSoon() {
        channel.close(promise: nil)
    }

    /// Returns when the connection is gone, or the caller is cancelled.
    func waitUntilClosed() async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    if state.isClosed || Task.isCancelled { return true }
                    state.closeWaiters[id] = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.closeWaiters.removeValue(forKey: id) }?.resume()
        }
    }
}
