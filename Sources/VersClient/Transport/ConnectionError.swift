import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import VersAPI

/// Says in our words what went wrong below HTTP.
struct ConnectionError {
    let address: ServerAddress
    let configuration: VersClient.Configuration

    func translate(_ error: any Error) -> VersError {
        switch error {
        case let error as VersError: error
        case is CancellationError: VersError(.cancelled, "the call was cancelled", cause: error)
        case let error as HTTPClientError: translate(error)
        case let error as IOError where Self.nobodyListens.contains(error.errnoCode): unreachable(error)
        case is NIOConnectionError: unreachable(error)
        case is NIOTooManyBytesError:
            VersError(.payloadTooLarge, "the server's answer is larger than this client reads", cause: error)
        default: broken(error)
        }
    }

    private func translate(_ error: HTTPClientError) -> VersError {
        switch error {
        case .cancelled: VersError(.cancelled, "the call was cancelled", cause: error)
        case .connectTimeout:
            VersError(
                .timedOut,
                "no connection to \(address.name) within \(configuration.connectTimeout)",
                cause: error
            )
        case .deadlineExceeded, .readTimeout, .writeTimeout, .getConnectionFromPoolTimeout:
            VersError(
                .timedOut,
                "the server at \(address.name) did not answer in time",
                hint: "the call may still take effect: look at the state before you repeat it",
                cause: error
            )
        case .alreadyShutdown: VersError(.internal, "the client was shut down", cause: error)
        default: broken(error)
        }
    }

    private func unreachable(_ error: any Error) -> VersError {
        VersError(
            .unreachable,
            "no server answers at \(address.name)",
            hint: "start one with `vers up`, or set VERS_URL to where it is",
            cause: error
        )
    }

    private func broken(_ error: any Error) -> VersError {
        VersError(.unavailable, "the connection to \(address.name) was lost", cause: error)
    }

    private static let nobodyListens: Set<CInt> = [ECONNREFUSED, ENOENT, EHOSTUNREACH, ENETUNREACH, EACCES]
}
