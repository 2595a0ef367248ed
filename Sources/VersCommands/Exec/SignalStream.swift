import Dispatch
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
/// A source is made once and never cancelled: between two sources of one signal it would do what it does by default, or
/// be lost.
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

        /// Returns when the source takes the signal in place of its default action.
        func install() {
            let installed = DispatchSemaphore(value: 0)
            source.setRegistrationHandler { installed.signal() }
            source.resume()
            installed.wait()
        }
    }

    static let shared = SignalHub()

    private let queue = DispatchQueue(label: "vers.signals")
    private let state = Mutex(State())

    func add(_ numbers: Set<Int32>, _ continuation: AsyncStream<Int32>.Continuation) -> Int {
        let (listener, new) = state.withLock { state in
            let new = numbers.filter { state.sources[$0] == nil }.map { ($0, makeSource($0)) }
            for (number, source) in new { state.sources[number] = source }
            state.nextListener += 1
            state.listeners[state.nextListener] = Listener(numbers: numbers, continuation: continuation)
            return (state.nextListener, new.map(\.1))
        }
        // Until a source is in place, its signal does what it always did; from then on none is lost. That takes
        // microseconds. Not done under the lock, which the handlers take on the same queue.
        for source in new { source.install() }
        return listener
    }

    private func makeSource(_ number: Int32) -> UncheckedSource {
        let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
        source.setEventHandler { [self] in deliver(number) }
        return UncheckedSource(source: source)
    }

    func remove(_ listener: Int) { state.withLock { _ = $0.listeners.removeValue(forKey: listener) } }

    private func deliver(_ number: Int32) {
        let listeners = state.withLock { state in state.listeners.values.filter { $0.numbers.contains(number) } }
        for listener in listeners { listener.continuation.yield(number) }
    }
}
