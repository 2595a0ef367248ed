import HTTPTypes

extension HTTPField.Name {
    static var requestID: Self { Self.known("X-Request-Id") }
    static var idempotencyKey: Self { Self.known("X-Idempotency-Key") }
    /// The answer was given before, and is given again.
    static var idempotentReplayed: Self { Self.known("X-Idempotent-Replayed") }
    static var execID: Self { Self.known("X-Exec-Id") }

    private static func known(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("'\(name)' is no header name") }
        return name
    }
}
