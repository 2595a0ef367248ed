internal import HostSystem
internal import QMP
internal import SystemPackage
internal import VersAPI

/// Runs `body` and turns the errors of the layers below into ``VersError``.
/// - Parameter what: the operation, as the start of a message: `pause the machine`.
func describingFailures<Value: Sendable>(
    _ what: String,
    isolation: isolated (any Actor)? = #isolation,
    _ body: () async throws -> Value
) async throws -> Value {
    do {
        return try await body()
    } catch let error as VersError {
        throw error
    } catch is CancellationError {
        throw VersError(.cancelled, "\(what): cancelled")
    } catch {
        throw VersError.hypervisor(what, error)
    }
}

extension VersError {
    /// The error of an operation that the monitor, the memory library or the host failed.
    static func hypervisor(_ what: String, _ error: any Error) -> VersError {
        switch error {
        case let error as VersError: error
        case let error as QMPError: failure(code(for: error), what, error)
        case let error as MemoryLibraryError: failure(code(for: error), what, error)
        case let error as HostError: failure(code(for: error.errno), what, error)
        default: failure(.internal, what, error)
        }
    }

    private static func failure(_ code: ErrorCode, _ what: String, _ error: any Error) -> VersError {
        let hint = code == .internal ? "this is a fault of the server or of its disk: its log says more" : nil
        return VersError(code, "\(what): \(error)", hint: hint, cause: error)
    }

    private static func code(for error: QMPError) -> ErrorCode {
        switch error {
        case .timedOut: .timedOut
        case .disconnected: .unavailable
        case .refused, .malformed, .unexpectedAnswer: .internal
        }
    }

    private static func code(for error: MemoryLibraryError) -> ErrorCode {
        switch error {
        case .refused(_, let errno, _): code(for: errno)
        case .timedOut: .timedOut
        case .disconnected: .unavailable
        case .unexpectedAnswer: .internal
        }
    }

    /// Only what the host lacks, or what passes by itself, has a code of its own. A file of ours that is missing or closed
    /// to us is the server's fault: `not_found` or `forbidden` would tell a client that what it asked for is.
    private static func code(for errno: Errno) -> ErrorCode {
        switch errno {
        case .noSpace, .diskQuotaExceeded, .noMemory, .tooManyOpenFiles, .tooManyOpenFilesInSystem,
            .resourceTemporarilyUnavailable:
            .resourceExhausted
        case .resourceBusy: .unavailable
        default: .internal
        }
    }
}
