import VersAPI

/// Runs `body`, but no longer than `limit`.
/// - Throws: ``VersError`` `.timedOut` saying what took too long. `body` is cancelled and awaited first.
func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ what: String,
    _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: limit)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw VersError(.timedOut, "\(what) took longer than \(limit)")
        }
        return value
    }
}
