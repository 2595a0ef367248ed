import HTTPTypes
import Hummingbird
import NIOCore
import VersAPI
import VersCore

/// Answers requests that carry `X-Idempotency-Key`: each is done once, however often it is sent.
struct IdempotentHandler: Sendable {
    /// Larger answers of commands are found out again rather than kept.
    static let maximumCommandAnswerBytes = 64 * 1024

    let service: IdempotencyService
    let bodies: BodyReader

    func wrap(_ handler: @escaping RouteList.Handler, _ repeatability: Repeatability) -> RouteList.Handler {
        guard repeatability != .never else { return handler }
        return { request, context in
            guard let text = request.headers[.idempotencyKey] else { return try await handler(request, context) }
            return try await answer(request, context, name: text, repeatability, handler)
        }
    }

    private func answer(
        _ request: Request,
        _ context: APIRequestContext,
        name: String,
        _ repeatability: Repeatability,
        _ handler: RouteList.Handler
    ) async throws -> Response {
        // Before anything is refused: a body that is left unread breaks the connection under the answer.
        let body = try await bodies.bytes(of: request, limit: bodies.maximumUploadBytes)
        let key = try IdempotencyKey(keyID: try context.requirePrincipal().keyID, text: name)
        let fingerprint = service.fingerprint(of: [
            Array(request.method.rawValue.utf8), Array(request.uri.string.utf8), Array(body.readableBytesView),
        ])
        let named = IdempotencyService.Request(
            key: key,
            fingerprint: fingerprint,
            secret: context.bearerKey ?? ""
        )
        var (request, context) = (request, context)
        request.body = RequestBody(buffer: body)
        context.namedExecID = service.execID(of: named)
        let (prepared, place) = (request, context)
        let reply = try await service.answer(named) { repetition in
            if let repetition, let known = try repeatability.answer(to: repetition) {
                return .final(try await StoredAnswer(known))
            }
            return try await Self.outcome(of: repeatability) { try await handler(prepared, place) }
        }
        return try Response(reply)
    }

    private static func outcome(
        of repeatability: Repeatability,
        _ handler: () async throws -> Response
    ) async throws -> IdempotencyService.Outcome {
        let answer: StoredAnswer
        do {
            answer = try await StoredAnswer(try await handler())
        } catch {
            // Others leave everything as it was: the request may be sent again.
            guard let failure = RequestFailure(final: error) else { throw error }
            answer = try await StoredAnswer(try failure.response())
        }
        if repeatability == .command, answer.body.count > maximumCommandAnswerBytes { return .unkept(answer) }
        return .final(answer)
    }
}

extension RequestFailure {
    /// A failure that every repetition would meet: the request's own fault.
    fileprivate init?(final error: any Error) {
        let failure: RequestFailure
        switch error {
        case let error as RequestFailure: failure = error
        case let error as VersError: failure = RequestFailure(error)
        default: return nil
        }
        guard (400..<500).contains(failure.status), ![401, 408, 413, 429, 499].contains(failure.status) else {
            return nil
        }
        self = failure
    }
}

extension StoredAnswer {
    fileprivate init(_ response: Response) async throws {
        var headers: [String: String] = [:]
        for field in response.headers { headers[field.name.rawName] = field.value }
        let collected = CollectedBody()
        try await response.body.write(collected)
        self.init(status: response.status.code, headers: headers, body: Array(collected.bytes.readableBytesView))
    }
}

extension Response {
    fileprivate init(_ reply: IdempotencyService.Reply) throws {
        var headers = HTTPFields()
        for (name, value) in reply.answer.headers {
            guard let name = HTTPField.Name(name), name != .contentLength else { continue }
            headers[name] = value
        }
        if reply.isReplayed { headers[.idempotentReplayed] = "true" }
        self.init(
            status: HTTPResponse.Status(code: reply.answer.status),
            headers: headers,
            body: reply.answer.body.isEmpty
                ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: reply.answer.body))
        )
    }
}
