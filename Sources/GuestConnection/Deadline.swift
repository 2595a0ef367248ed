import VersAPI

/// Runs `operation` until `deadline`, then cancels it.
/// - Throws: ``VersError`` `.timedOut` that says what took too long.
func withDeadline<Value: Sendable>(
    _ deadline: ContinuousClock.Instant,
    _ what: String,
    operation: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let start = ContinuousClock.now
    return try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await operation() }
        group.addTask {
            try await Task.sleep(until: deadline, clock: .continuous)
            let limit = (deadline - start).formattedSeconds
            throw VersError(.timedOut, "\(what) took longer than \(limit) s")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}

extension Duration {
    var formattedSeconds: String {
        let tenths = components.seconds * 10 + components.attoseconds / 100_000_000_000_000_000
        return "\(tenths / 10).\(tenths % 10)"
    }
}
