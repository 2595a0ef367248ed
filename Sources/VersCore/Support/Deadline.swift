import VersAPI

/// Runs `body`, but no longer than until `deadline`.
/// - Throws: ``VersError`` `.timedOut` saying what took too long. `body` is cancelled and awaited first.
package func withDeadline<Value: Sendable>(
    _ deadline: ContinuousClock.Instant,
    _ what: String,
    _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
    let start = ContinuousClock.now
    return try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(until: deadline, clock: .continuous)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else {
            throw VersError(.timedOut, "\(what) took longer than \((deadline - start).formattedSeconds) s")
        }
        return value
    }
}

/// Runs `body`, but no longer than `limit`, as ``withDeadline(_:_:_:)`` does.
package func withDeadline<Value: Sendable>(
    _ limit: Duration,
    _ what: String,
    _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
    try await withDeadline(.now + limit, what, body)
}

extension Duration {
    /// Rounded to tenths, as messages show it.
    package var formattedSeconds: String {
        let tenths = (self / .milliseconds(100)).rounded()
        return "\(tenths / 10)"
    }
}
