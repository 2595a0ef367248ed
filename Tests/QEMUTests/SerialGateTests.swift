import Synchronization
import Testing
import VersAPI

@testable import QEMU

@Suite("the serial gate", .timeLimit(.minutes(1)))
struct SerialGateTests {
    @Test("one at a time")
    func exclusion() async throws {
        let gate = SerialGate(name: "test")
        let inside = Counter()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await gate.with(timeout: .seconds(30)) {
                        #expect(inside.value.add(1, ordering: .relaxed).newValue == 1)
                        await Task.yield()
                        inside.value.subtract(1, ordering: .relaxed)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("a waiter that gives up or is cancelled does not take the gate with it")
    func leavingWaiters() async throws {
        let gate = SerialGate(name: "test")
        try await gate.enter(timeout: .seconds(1))
        do {
            try await gate.enter(timeout: .milliseconds(5))
            Issue.record("entered a held gate")
        } catch let error as VersError {
            #expect(error.code == .timedOut)
        }
        let cancelled = Task { try await gate.enter(timeout: .seconds(100)) }
        cancelled.cancel()
        await #expect(throws: CancellationError.self) { try await cancelled.value }
        gate.leave()
        try await gate.enter(timeout: .seconds(1))
    }
}

private final class Counter: Sendable {
    let value = Atomic(0)
}
