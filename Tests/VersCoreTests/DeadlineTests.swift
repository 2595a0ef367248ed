import Testing
import VersAPI

@testable import VersCore

struct DeadlineTests {
    @Test func `what is done in time is returned`() async throws {
        #expect(try await withDeadline(.seconds(60), "adding") { 1 + 1 } == 2)
    }

    @Test func `an error of the body is passed on`() async {
        let error = await #expect(throws: VersError.self) {
            try await withDeadline(.seconds(60), "failing") { throw VersError(.conflict, "no") }
        }
        #expect(error?.code == .conflict)
    }

    @Test func `what takes too long is cancelled, awaited and named`() async {
        let ended = Shared(false)
        let error = await #expect(throws: VersError.self) {
            try await withDeadline(.milliseconds(20), "waiting for the end of time") {
                while !Task.isCancelled { await Task.yield() }
                ended.change { $0 = true }
            }
        }
        #expect(error?.code == .timedOut)
        #expect(error?.message.contains("waiting for the end of time") == true)
        #expect(ended.current)
    }

    @Test func `a caller that gives up is not told of a timeout`() async {
        let task = Task {
            try await withDeadline(.seconds(60), "waiting") { try await Task.sleep(for: .seconds(60)) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
