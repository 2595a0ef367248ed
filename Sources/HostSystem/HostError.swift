public import SystemPackage

/// A system call that failed.
public struct HostError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was attempted, as a verb: `open`, `rename`, `start a process`.
    public var operation: String
    public var path: FilePath?
    public var errno: Errno

    public init(_ operation: String, _ path: FilePath? = nil, errno: Errno) {
        self.operation = operation
        self.path = path
        self.errno = errno
    }

    public var description: String {
        guard let path else { return "\(operation): \(errno)" }
        return "\(operation) '\(path)': \(errno)"
    }
}
