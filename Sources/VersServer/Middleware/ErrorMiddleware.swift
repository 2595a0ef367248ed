import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import VersAPI

/// Turns every error into the JSON envelope, and stamps the request id on every answer.
struct ErrorMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let table: RouteTable
    let lingerTimeout: Duration

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: @concurrent (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        var response: Response
        do {
            response = try await next(request, context)
        } catch {
            let failure = explain(error, request, context)
            logIfOurs(failure, context)
            response = try render(failure, request, context)
        }
        response.headers[.requestID] = context.requestID
        return response
    }

    private func explain(_ error: any Error, _ request: Request, _ context: APIRequestContext) -> RequestFailure {
        switch error {
        case let failure as RequestFailure: failure
        case let error as VersError: RequestFailure(error)
        case let error as HTTPError where error.status == .notFound: missingRoute(request)
        case let error as HTTPError:
            RequestFailure(
                VersError(ErrorCode(httpStatus: error.status.code), error.body ?? error.status.reasonPhrase),
                status: error.status.code
            )
        case is CancellationError:
            RequestFailure(VersError(.unavailable, "the request was cut off", hint: "try again"))
        default:
            RequestFailure(
                VersError(
                    .internal,
                    "internal error",
                    hint: "the daemon's log says more about request \(context.requestID)",
                    cause: error
                )
            )
        }
    }

    private func missingRoute(_ request: Request) -> RequestFailure {
        let path = request.uri.path.prefix(256)
        let methods = table.methods(at: request.uri.path)
        guard !methods.isEmpty else { return RequestFailure(VersError(.notFound, "no route at '\(path)'")) }
        let allowed = methods.joined(separator: ", ")
        return RequestFailure(
            VersError(.methodNotAllowed, "method \(request.method.rawValue) at '\(path)': expected \(allowed)"),
            headers: [.allow: allowed]
        )
    }

    private func logIfOurs(_ failure: RequestFailure, _ context: APIRequestContext) {
        guard failure.error.code.httpStatus == HTTPResponse.Status.internalServerError.code else { return }
        context.logger.error(
            "request failed",
            metadata: [
                "error.code": .string(failure.error.code.rawValue),
                "error.message": .string(failure.error.message),
                "error.cause": .string(failure.error.cause.map { String(describing: $0) } ?? "none"),
            ]
        )
    }

    private func render(
        _ failure: RequestFailure,
        _ request: Request,
        _ context: APIRequestContext
    ) throws -> Response {
        var response = try failure.response()
        if Self.mayLeaveBodyUnread(failure.status), Self.hasBody(request) { lingerThenClose(&response, context) }
        return response
    }

    /// The statuses that are decided before, or in the middle of, reading the body.
    private static func mayLeaveBodyUnread(_ status: Int) -> Bool { [401, 404, 405, 408, 413].contains(status) }

    private static func hasBody(_ request: Request) -> Bool {
        request.headers[.transferEncoding] != nil || (request.headers[.contentLength].map { $0 != "0" } ?? false)
    }

    /// Closing at once would reset the connection under a client that still sends, and lose the answer. The server
    /// reads on and throws away; this bounds for how long.
    private func lingerThenClose(_ response: inout Response, _ context: APIRequestContext) {
        response.headers[.connection] = "close"
        let (body, channel, delay) = (response.body, context.channel, TimeAmount(lingerTimeout))
        response.body = ResponseBody(contentLength: body.contentLength) { writer in
            try await body.write(writer)
            channel.eventLoop.scheduleTask(in: delay) { channel.close(promise: nil) }
        }
    }
}
