import HTTPTypes
import Hummingbird
import Logging

/// Logs and counts requests. Neither headers nor queries nor bodies are logged: they may hold secrets.
struct RequestLogMiddleware: RouterMiddleware {
    typealias Context = APIRequestContext

    let counters: ServerCounters

    func handle(
        _ request: Request,
        context: APIRequestContext,
        next: @concurrent (Request, APIRequestContext) async throws -> Response
    ) async throws -> Response {
        counters.requestStarted()
        defer { counters.requestEnded() }
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let elapsed = ContinuousClock.now - start
        context.logger.log(
            level: request.method == .get ? .debug : .info,
            "request answered",
            metadata: [
                "http.method": .string(request.method.rawValue),
                "http.path": .string(String(request.uri.path.prefix(256))),
                "http.status": .stringConvertible(response.status.code),
                "http.duration_ms": .stringConvertible(elapsed / .milliseconds(1)),
            ]
        )
        return response
    }
}
