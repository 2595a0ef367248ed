import Dispatch
import Foundation

/// Signals of this process as a sequence, in place of what they would do.
struct SignalStream: Sendable {
    /// Ends when the task that reads it is cancelled; the signals stay ignored, since the process is about to end.
    static func signals(_ numbers: [Int32]) -> AsyncStream<Int32> {
        AsyncStream { continuation in
            let queue = DispatchQueue(label: "vers.signals")
            let sources = numbers.map { number in
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { continuation.yield(number) }
                source.resume()
                return UncheckedSource(source: source)
            }
            continuation.onTermination = { _ in
                for source in sources { source.source.cancel() }
            }
        }
    }

    /// Dispatch sources may be cancelled from any thread, but do not say so to the compiler.
    private struct UncheckedSource: @unchecked Sendable {
        let source: any DispatchSourceSignal
    }
}
