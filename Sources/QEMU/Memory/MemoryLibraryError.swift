internal import SystemPackage

/// Why the memory library did not do what it was asked for.
enum MemoryLibraryError: Error, Sendable, Hashable, CustomStringConvertible {
    case refused(request: String, Errno, detail: String)
    case timedOut(request: String, after: Duration)
    /// The process, or its frozen copy, is gone.
    case disconnected(request: String)
    case unexpectedAnswer(request: String, String)

    var description: String {
        switch self {
        case .refused(let request, let errno, let detail): "\(request): \(detail): \(errno)"
        case .timedOut(let request, let duration): "\(request): no answer within \(duration)"
        case .disconnected(let request): "\(request): the connection to guest memory is gone"
        case .unexpectedAnswer(let request, let answer): "\(request): unexpected answer '\(answer)'"
        }
    }
}
