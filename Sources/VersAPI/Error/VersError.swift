/// The one error that crosses the product's borders: domain to API, API to client, client to command line.
///
/// `message` is lower case, has no full stop, names the value and what was expected. `hint` is what to do
/// next, shown on a line of its own.
public struct VersError: Error, Sendable, CustomStringConvertible {
    public var code: ErrorCode
    public var message: String
    public var hint: String?
    /// What caused it, for the log only; never sent to a client.
    public var cause: (any Error)?

    public init(_ code: ErrorCode, _ message: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.cause = cause
    }

    public var description: String {
        var text = "\(code): \(message)"
        if let cause { text += " (\(cause))" }
        return text
    }
}

/// The JSON envelope of every error answer.
public struct ErrorBody: Codable, Sendable, Equatable {
    public var error: String
    public var success: Bool
    public var code: ErrorCode
    public var hint: String?

    public init(_ error: VersError) {
        self.error = error.message
        self.success = false
        self.code = error.code
        self.hint = error.hint
    }
}
