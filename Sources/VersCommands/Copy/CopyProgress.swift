import Foundation
import Synchronization
import TerminalUI

/// How far a copy is, on one line of a terminal. Elsewhere nothing is shown.
final class CopyProgress: Sendable {
    private struct State {
        var name = ""
        var done: Int64 = 0
        /// Nil: not known before the end.
        var total: Int64?
        /// What was there before this attempt.
        var kept: Int64 = 0
    }

    private static let interval = Duration.milliseconds(200)

    private let state = Mutex(State())
    private let context: CommandContext
    private let isShown: Bool

    init(context: CommandContext, isQuiet: Bool) {
        self.context = context
        isShown = !isQuiet && context.errorStream.isTerminal
    }

    func begin(_ name: String, total: Int64?, kept: Int64 = 0) {
        state.withLock { $0 = State(name: name.withoutControlCharacters, done: kept, total: total, kept: kept) }
    }

    func add(_ count: Int) { state.withLock { $0.done += Int64(count) } }

    /// Shows the line while `work` lasts.
    func showing(_ work: @Sendable () async throws -> Void) async throws {
        guard isShown else { return try await work() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await self.draw() }
            do {
                try await work()
                group.cancelAll()
            } catch {
                group.cancelAll()
                await group.waitForAllIgnoringErrors()
                throw error
            }
            await group.waitForAllIgnoringErrors()
        }
    }

    private func draw() async {
        let start = ContinuousClock.now
        while !Task.isCancelled {
            do { try await Task.sleep(for: Self.interval) } catch { break }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let line = Self.line(state.withLock { ($0.name, $0.done, $0.total, $0.kept) }, seconds: seconds)
            let room = (context.errorStream.columns ?? TerminalStream.defaultColumns) - 1
            context.errorOutput.write("\r\u{1B}[K" + line.truncated(toWidth: room, ellipsis: "..."))
        }
        context.errorOutput.write("\r\u{1B}[K")
    }

    static func line(_ state: (name: String, done: Int64, total: Int64?, kept: Int64), seconds: Double) -> String {
        let rate = Int64(Double(state.done - state.kept) / max(seconds, 0.001))
        let amount = state.total.map { "\(size(state.done)) of \(size($0))" } ?? size(state.done)
        return "\(state.name)  \(amount)  \(size(rate))/s"
    }

    private static func size(_ count: Int64) -> String {
        var value = Double(count)
        for unit in ["B", "KiB", "MiB"] {
            if value < 1024 { return "\(unit == "B" ? "\(count)" : String(format: "%.1f", value)) \(unit)" }
            value /= 1024
        }
        return String(format: "%.1f GiB", value)
    }
}

extension ThrowingTaskGroup {
    fileprivate mutating func waitForAllIgnoringErrors() async {
        while let outcome = await nextResult() { _ = outcome }
    }
}
