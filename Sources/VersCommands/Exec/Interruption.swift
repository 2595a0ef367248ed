import ArgumentParser
import Foundation

/// Work in the foreground that a signal ends: it is cancelled, cleans up behind itself, and the exit status names the signal.
enum Interruption {
    private enum Outcome<Value: Sendable> {
        case done(Value)
        /// Nil when nobody waits for a signal any more.
        case interrupted(Int32?)
    }

    private static let endings = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

    /// What a shell calls the status of a program that a signal has ended.
    static func status(of number: Int32) -> Int32 { 128 + number }

    /// Runs `work` to its end, or until a signal asks for one. A second signal does not wait for the cleaning up.
    /// - Throws: what `work` does; `ExitCode` after a signal.
    static func ending<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        // Taken over before anything is begun that must be cleaned up.
        let signals = SignalStream.signals(endings)
        let insisting = SignalStream.signals(endings)
        let impatience = Task {
            for await number in insisting.dropFirst() { exit(status(of: number)) }
        }
        defer { impatience.cancel() }
        return try await withThrowingTaskGroup(of: Outcome<Value>.self) { group in
            group.addTask { .done(try await work()) }
            group.addTask { .interrupted(await signals.first { _ in true }) }
            defer { group.cancelAll() }
            switch try await group.next() {
            case .done(let value): return value
            case .interrupted(let number?):
                group.cancelAll()
                // How work ends that is not wanted any more is no news.
                while let rest = await group.nextResult() { _ = rest }
                throw ExitCode(status(of: number))
            case .interrupted(nil), nil: throw CancellationError()
            }
        }
    }
}
