import Testing

@testable import VersCore

struct AsyncLockTests {
    /// Runs `body` with the lock held by another task, which lets go when `release` is called.
    private func holding(
        _ lock: AsyncLock,
        _ body: (_ release: @Sendable () -> Void) async throws -> Void
    ) async throws {
        let (held, isHeld) = AsyncStream<Void>.makeStream()
        let (released, release) = AsyncStream<Void>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await lock.withLock {
                    isHeld.finish()
                    for await _ in released {}
                }
            }
            for await _ in held {}
            defer { release.finish() }
            try await body { release.finish() }
        }
    }

    @Test func `waiters get the lock in the order in which they came`() async throws {
        let lock = AsyncLock()
        let order = Shared<[Int]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await holding(lock) { release in
                for index in 0..<20 {
                    group.addTask { try await lock.withLock { order.change { $0.append(index) } } }
                    while lock.waiterCount <= index { await Task.yield() }
                }
                release()
            }
            try await group.waitForAll()
        }
        #expect(order.current == Array(0..<20))
    }

    @Test func `no two bodies overlap, across suspension points`() async throws {
        let lock = AsyncLock()
        let inside = Shared(0)
        let overlaps = Shared(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await lock.withLock {
                        let count = inside.change { count in
                            count += 1
                            return count
                        }
                        if count > 1 { overlaps.change { $0 += 1 } }
                        await Task.yield()
                        inside.change { $0 -= 1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(overlaps.current == 0)
    }

    @Test func `a body that throws gives the lock back`() async throws {
        struct Failure: Error {}
        let lock = AsyncLock()
        await #expect(throws: Failure.self) { try await lock.withLock { throw Failure() } }
        #expect(try await lock.withLock { true })
    }

    @Test func `a waiter that is cancelled leaves the queue and the others go on`() async throws {
        let lock = AsyncLock()
        let order = Shared<[String]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            try await holding(lock) { release in
                let doomed = Task { try await lock.withLock { order.change { $0.append("doomed") } } }
                while lock.waiterCount < 1 { await Task.yield() }
                group.addTask { try await lock.withLock { order.change { $0.append("patient") } } }
                while lock.waiterCount < 2 { await Task.yield() }
                doomed.cancel()
                await #expect(throws: CancellationError.self) { try await doomed.value }
                #expect(lock.waiterCount == 1)
                release()
            }
            try await group.waitForAll()
        }
        #expect(order.current == ["patient"])
    }

    @Test func `a task that was cancelled before it asked does not run the body`() async throws {
        let lock = AsyncLock()
        let ran = Shared(false)
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await lock.withLock { ran.change { $0 = true } }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(!ran.current)
        #expect(try await lock.withLock { true })
    }

    @Test func `cancellation at any moment loses neither the lock nor a waiter`() async throws {
        let lock = AsyncLock()
        let inside = Shared(0)
        await withTaskGroup(of: Bool.self) { group in
            for index in 0..<500 {
                let task = Task {
                    try await lock.withLock {
                        #expect(
                            inside.change { count in
                                count += 1
                                return count
                            } == 1
                        )
                        await Task.yield()
                        inside.change { $0 -= 1 }
                    }
                }
                group.addTask {
                    if index % 3 == 0 {
                        for _ in 0..<(index % 7) { await Task.yield() }
                        task.cancel()
                    }
                    return (try? await task.value) != nil
                }
            }
            var finished = 0
            for await success in group where success { finished += 1 }
            // Those that nobody cancelled, at least.
            #expect(finished >= 333)
        }
        #expect(lock.waiterCount == 0)
        #expect(try await lock.withLock { true })
    }
}
