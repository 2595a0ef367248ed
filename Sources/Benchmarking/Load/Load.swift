/// One kind of request, made by a number of callers at once.
struct Load: Sendable {
    var name: String
    var title: String
    var callers: Int

    init(_ name: String, _ title: String, callers: Int) {
        self.name = "\(name).\(callers)"
        self.title = "\(title), \(callers) \(callers == 1 ? "caller" : "callers")"
        self.callers = callers
    }

    /// Has every caller make its share of `requests`, one after the other, and records how long each took and how many
    /// were answered in a second.
    /// - Parameter request: given the number of the caller. Its first failure ends the measurement.
    func measure(
        _ requests: Int,
        on dimensions: Dimensions,
        in context: BenchmarkContext,
        _ request: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        let share = max(1, requests / callers)
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<callers {
                group.addTask {
                    for _ in 0..<share {
                        try await context.recorder.measure(.latency(self), on: dimensions) { try await request(caller) }
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        context.recorder.record(.rate(self), Double(share * callers) / seconds, on: dimensions)
    }
}
