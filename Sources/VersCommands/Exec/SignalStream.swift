import Dispatch
import Foundation
import Synchronization

/// Signals of this process as a sequence, in place of what they would do.
enum SignalStream {
    /// Ends when the task that reads it is cancelled; the signals do nothing from then on, since the process is about to
    /// end. Several streams of one signal each get it.
    static func signals(_ numbers: [Int32]) -> AsyncStream<Int32> {
        AsyncStream { continuation in
            let listener = SignalHub.shared.add(Set(numbers), continuation)
            continuation.onTermination = { _ in SignalHub.shared.remove(listener) }
        }
    }
}

/// The one owner of the process's signals: a source for each that was ever asked for.
///
/// A signal is taken from its default action once, and its source is never cancelled: a second source of the same signal
/// would not get it if the first went at the same moment.
private final class SignalHub: Sendable {
    private struct Listener {
        var numbers: Set<Int32>
        var continuation: AsyncStream<Int32>.Continuation
    }

    private struct State {
        var sources: [Int32: UncheckedSource] = [:]
        var listeners: [Int: Listener] = [:]
        var nextListener = 0
    }

    /// Dispatch sources may be used from any thread, but do not say so to the compiler.
    private struct UncheckedSource: @unchecked Sendable {
        let source: any DispatchSourceSignal
    }

    static let shared = SignalHub()

    private let queue = DispatchQueue(label: "vers.signals")
    private let state = Mutex(State())

    func add(_ numbers: Set<Int32>, _ continuation: AsyncStream<Int32>.Continuation) -> Int {
        state.withLock { state in
            for number in numbers where state.sources[number] == nil {
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { [self] in deliver(number) }
                source.resume()
                state.sources[number] = UncheckedSource(source: source)
            }
            state.nextListener += 1
            state.listeners[state.nextListener] = Listener(numbers: numbers, continuation: continuation)
            return state.nextListener
        }
    }

    func remove(_ listener: Int) { state.withLock { _ = $0.listeners.removeValue(forKey: listener) } }

    private func deliver(_ number: Int32) {
        let listeners = state.withLock { state in state.listeners.values.filter { $0.numbers.contains(number) } }
        for listener in listeners { listener.continuation.yield(number) }
    }
}
