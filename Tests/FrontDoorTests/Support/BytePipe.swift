import Synchronization

/// One direction of a connection: a bounded buffer between a writer and a reader.
final class BytePipe: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var hasEnded = false
        var isBroken = false
        var total = 0
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    struct Broken: Error {}

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int = 64 * 1024) { self.capacity = capacity }

    /// Everything that was ever written.
    var total: Int { state.withLock { $0.total } }

    func write(_ bytes: [UInt8]) async throws {
        while true {
            let done = try state.withLock { state -> Bool in
                if state.isBroken || state.hasEnded { throw Broken() }
                guard state.bytes.count < capacity else { return false }
                state.bytes += bytes
                state.total += bytes.count
                state.reader?.resume()
                state.reader = nil
                return true
            }
            if done { return }
            try Task.checkCancellation()
            await sleep(asReader: false) { $0.bytes.count >= self.capacity && !$0.isBroken }
        }
    }

    /// Nil at the end.
    func read() async throws -> [UInt8]? {
        while true {
            let result = try state.withLock { state -> [UInt8]?? in
                if state.isBroken { throw Broken() }
                if !state.bytes.isEmpty {
                    defer { state.bytes = [] }
                    state.writer?.resume()
                    state.writer = nil
                    return state.bytes
                }
                return state.hasEnded ? .some(nil) : .none
            }
            if let result { return result }
            try Task.checkCancellation()
            await sleep(asReader: true) { $0.bytes.isEmpty && !$0.hasEnded && !$0.isBroken }
        }
    }

    func end() { wake { $0.hasEnded = true } }

    func destroy() { wake { $0.isBroken = true } }

    private func wake(_ change: (inout State) -> Void = { _ in }) {
        state.withLock { state in
            change(&state)
            state.reader?.resume()
            state.writer?.resume()
            (state.reader, state.writer) = (nil, nil)
        }
    }

    private func sleep(
        asReader: Bool,
        while condition: @Sendable (borrowing State) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let sleeps = state.withLock { state in
                    guard condition(state), !Task.isCancelled else { return false }
                    if asReader { state.reader = continuation } else { state.writer = continuation }
                    return true
                }
                if !sleeps { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
    }
}
