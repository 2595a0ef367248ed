/// Why a command has no result.
public enum QMPError: Error, Sendable, Hashable, CustomStringConvertible {
    /// QEMU refused the command. `errorClass` is for programs, `message` for people.
    case refused(command: String, errorClass: String, message: String)
    /// No answer within the deadline. The command may still take effect.
    case timedOut(command: String, after: Duration)
    /// The connection is gone; whether the command took effect is not known.
    case disconnected(command: String)
    /// What arrived is not QMP.
    case malformed(String)
    /// The answer does not have the shape that the command's type says.
    case unexpectedAnswer(command: String, detail: String)

    public var description: String {
        switch self {
        case .refused(let command, let errorClass, let message): "\(command): \(message) (\(errorClass))"
        case .timedOut(let command, let duration): "\(command): no answer within \(duration)"
        case .disconnected(let command): "\(command): the connection to the monitor is gone"
        case .malformed(let detail): "malformed monitor message: \(detail)"
        case .unexpectedAnswer(let command, let detail): "\(command): unexpected answer: \(detail)"
        }
    }
}
