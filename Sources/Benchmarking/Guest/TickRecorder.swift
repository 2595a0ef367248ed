import Synchronization

/// Notes when a guest was heard of, and finds its longest silence.
final class TickRecorder: Sendable {
    private let ticks = Mutex<[ContinuousClock.Instant]>([])

    func record(_ instant: ContinuousClock.Instant = .now) { ticks.withLock { $0.append(instant) } }

    /// Forgets what was before `instant`, so that the list stays short.
    func forget(before instant: ContinuousClock.Instant) {
        ticks.withLock { ticks in ticks.removeAll { $0 < instant } }
    }

    /// The longest time between two neighbouring ticks of which at least a part lies between `start` and `end`, the
    /// ends of the window counting as ticks where none lies outside. Nil when there was no tick at all.
    func longestGap(from start: ContinuousClock.Instant, to end: ContinuousClock.Instant) -> Duration? {
        let all = ticks.withLock { $0 }
        guard !all.isEmpty else { return nil }
        var relevant = all.filter { $0 > start && $0 < end }
        relevant.insert(all.last { $0 <= start } ?? start, at: 0)
        relevant.append(all.first { $0 >= end } ?? end)
        return zip(relevant, relevant.dropFirst()).map { $1 - $0 }.max()
    }
}
