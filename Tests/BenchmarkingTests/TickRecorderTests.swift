import Testing

@testable import Benchmarking

@Suite("A tick recorder")
struct TickRecorderTests {
    private let start = ContinuousClock.now

    private func recorder(_ milliseconds: [Int]) -> TickRecorder {
        let recorder = TickRecorder()
        for offset in milliseconds { recorder.record(at(offset)) }
        return recorder
    }

    private func at(_ milliseconds: Int) -> ContinuousClock.Instant { start.advanced(by: .milliseconds(milliseconds)) }

    @Test("finds the longest silence in the window")
    func longest() {
        let ticks = recorder([0, 1, 2, 12, 13, 14, 100])
        #expect(ticks.longestGap(from: at(1), to: at(14)) == .milliseconds(10))
    }

    @Test("counts a silence that begins before the window or ends after it in full")
    func overlapping() {
        let ticks = recorder([0, 20, 21, 22, 60])
        #expect(ticks.longestGap(from: at(10), to: at(21)) == .milliseconds(20))
        #expect(ticks.longestGap(from: at(20), to: at(30)) == .milliseconds(38))
    }

    @Test("counts a silence that still lasts up to the end of the window")
    func silentToTheEnd() {
        #expect(recorder([0, 1, 2]).longestGap(from: at(0), to: at(50)) == .milliseconds(48))
    }

    @Test("knows nothing of a guest that was never heard of")
    func noTicks() {
        #expect(recorder([]).longestGap(from: at(0), to: at(50)) == nil)
    }

    @Test("forgets what is older than asked")
    func forgetting() {
        let ticks = recorder([0, 30, 31, 32])
        ticks.forget(before: at(31))
        #expect(ticks.longestGap(from: at(31), to: at(32)) == .milliseconds(1))
    }
}
