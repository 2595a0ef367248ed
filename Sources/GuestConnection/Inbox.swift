import GuestProtocol
import Synchronization
import VersAPI

/// What has arrived on one channel and was not taken yet. Bounded: data by the credit that was granted, everything
/// else by a count that no honest agent reaches.
final class Inbox: FrameReceiver {
    private static let frameLimit = 64

    private struct State {
        var frames: [Frame] = []
        var controlFrames = 0
        var window = ReceiveWindow()
        var waiter: CheckedContinuation<Frame, any Error>?
        var failure: (any Error)?

        mutating func takeFrame() -> Frame? {
            guard !frames.isEmpty else { return nil }
            let frame = frames.removeFirst()
            if frame.type != .output, frame.type != .data { controlFrames -= 1 }
            return frame
        }
    }

    private let state = Mutex(State())

    /// - Throws: ``ProtocolError`` when the guest has sent more than it may; the channel is of no use then.
    func push(_ frame: Frame) throws(ProtocolError) {
        var refusal: ProtocolError?
        let waiter = state.withLock { state -> CheckedContinuation<Frame, any Error>? in
            do throws(ProtocolError) {
                try Self.admit(frame, in: &state)
            } catch {
                refusal = error
                return nil
            }
            guard let waiter = state.waiter else {
                state.frames.append(frame)
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume(returning: frame)
        if let refusal { throw refusal }
    }

    private static func admit(_ frame: Frame, in state: inout State) throws(ProtocolError) {
        if frame.type == .data || frame.type == .output {
            try state.window.receive(frame.payload.count)
        }
        // Frames without payload cost no credit, so they are counted like the others.
        guard frame.type != .output || !frame.payload.isEmpty else { throw .truncated(field: "output") }
        guard frame.type != .output, frame.type != .data else { return }
        guard state.controlFrames < frameLimit else {
            throw .tooLong(field: "waiting frames", length: state.controlFrames, limit: frameLimit)
        }
        if state.waiter == nil { state.controlFrames += 1 }
    }

    /// Ends the channel: what has arrived can still be taken, then `error` is thrown.
    func fail(_ error: any Error) {
        let waiter = state.withLock { state -> CheckedContinuation<Frame, any Error>? in
            if state.failure == nil { state.failure = error }
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(throwing: error)
    }

    /// The next frame if it has arrived.
    func takeNow() -> Frame? { state.withLock { $0.takeFrame() } }

    /// Waits for the next frame. One caller at a time.
    func next() async throws -> Frame {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Frame, any Error>? in
                    if let frame = state.takeFrame() { return .success(frame) }
                    if let failure = state.failure { return .failure(failure) }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    precondition(state.waiter == nil, "two callers wait on one channel")
                    state.waiter = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Frame, any Error>? in
                defer { state.waiter = nil }
                return state.waiter
            }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Counts bytes that were used up.
    /// - Returns: credit to send, when enough has come together.
    func consume(_ count: Int) -> UInt32? {
        state.withLock { $0.window.consume(count) }
    }
}
