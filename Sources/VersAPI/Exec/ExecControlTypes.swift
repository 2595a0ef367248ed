/// `POST /vm/{id}/exec/{exec_id}/signal`.
public struct SignalRequest: Codable, Sendable {
    /// The number that Linux gives the signal, 1 to 64.
    public var signal: Int32

    public init(signal: Int32) { self.signal = signal }
}

/// Limits of what one answer or request carries.
public enum TransferLimit {
    /// Of each output stream that `POST /vm/{id}/exec` collects.
    public static let collectedOutputBytes = 10 * 1024 * 1024
    /// Of a file that is read or written in one request: its base64 form fits into ``uploadBodyBytes``.
    public static let fileBytes = 47 * 1024 * 1024
    /// Of a request's body where nothing else is said.
    public static let bodyBytes = 8 * 1024 * 1024
    /// Of the body of `PUT /vm/{id}/files` and `POST /vm/{id}/exec/{exec_id}/stdin`.
    public static let uploadBodyBytes = 64 * 1024 * 1024
    /// Of one line of an exec stream.
    public static let execLineBytes = 16 * 1024 * 1024
    /// Of one piece of the serial console.
    public static let consoleBytes = 1024 * 1024
    /// Of new VMs in one branch.
    public static let branchCount = 1000
    /// Of entries in one page of logs.
    public static let logEntries = 10_000
}
