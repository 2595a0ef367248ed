import Synchronization
import Testing

/// Lets two suites run at once, each with an instance of its own: most of a suite's time is waiting for guests.
///
/// It belongs to ``IntegrationTests``, and every suite below inherits it.
struct LaneTrait: SuiteTrait, TestTrait, TestScoping {
    @TaskLocal private static var isInLane = false

    // So it reaches the tests as well, which are not scoped by it.
    let isRecursive = true

    func scopeProvider(for test: Test, testCase: Test.Case?) -> Self? {
        test.isSuite && test.name != "\(IntegrationTests.self)" ? self : nil
    }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        // A suite within a suite is in its lane.
        guard !Self.isInLane else { return try await function() }
        let isAlone = test.traits.contains { $0 is AloneTrait }
        await Lanes.shared.enter(alone: isAlone)
        defer { Lanes.shared.leave(alone: isAlone) }
        try await Self.$isInLane.withValue(true) { try await function() }
    }
}

/// Gives a suite the whole machine, because it measures load or fills memory.
struct AloneTrait: SuiteTrait {}

extension Trait where Self == LaneTrait {
    static var lane: Self { LaneTrait() }
}

extension Trait where Self == AloneTrait {
    static var alone: Self { AloneTrait() }
}

/// Who runs and who waits. Suites that want the machine to themselves come when no other waits.
private final class Lanes: Sendable {
    static let shared = Lanes()
    private static let count = 2

    private struct State {
        var free = Lanes.count
        var waiting: [CheckedContinuation<Void, Never>] = []
        var waitingAlone: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func enter(alone: Bool) async {
        await withCheckedContinuation { continuation in
            state.withLock { state in
                if alone {
                    state.waitingAlone.append(continuation)
                } else {
                    state.waiting.append(continuation)
                }
            }
            admit()
        }
    }

    func leave(alone: Bool) {
        state.withLock { $0.free += alone ? Self.count : 1 }
        admit()
    }

    private func admit() {
        let admitted = state.withLock { state in
            var admitted: [CheckedContinuation<Void, Never>] = []
            while state.free > 0, !state.waiting.isEmpty {
                state.free -= 1
                admitted.append(state.waiting.removeFirst())
            }
            if state.free == Self.count, !state.waitingAlone.isEmpty {
                state.free = 0
                admitted.append(state.waitingAlone.removeFirst())
            }
            return admitted
        }
        for continuation in admitted { continuation.resume() }
    }
}
