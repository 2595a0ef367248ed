internal import VersAPI

/// Runs `body`, and cancels it when `timeout` passes first.
/// - Throws: ``VersError`` `.timedOut`, which says what and how long.
func withDeadline<Value: Sendable>(
    _ timeout: Duration,
    _ what: String,
    _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: timeout)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw VersError(.timedOut, "\(what): not done within \(timeout)")
        }
        return value
    }
}
