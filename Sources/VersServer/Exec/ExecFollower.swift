import HTTPTypes
import Hummingbird
import NIOCore
import VersAPI
import VersCore

/// Answers with the events of a followed command, for as long as it runs and the client listens.
///
/// When the client goes away, or the server shuts down, it detaches; the command runs on. Watching for that uses the
/// connection up, so these answers close it.
struct ExecFollower: Sendable {
    let follows: FollowedExecs

    /// One line per event, each flushed on its own. The next event is asked for when the client's socket has taken
    /// the last one: that is the back-pressure.
    func stream(_ exec: any GuestExec, for request: Request, _ context: APIRequestContext) async throws -> Response {
        let ticket = try await enter(exec, context)
        let follows = follows
        let body = ResponseBody { writer in
            do {
                try await Self.untilClientCloses(request) {
                    while let event = try await exec.next() { try await writer.write(Self.line(event)) }
                }
            } catch {
                await exec.detach()
                guard let event = Self.farewell(for: error, isEnding: follows.isEnding) else { throw error }
                try await writer.write(Self.line(event))
            }
            await exec.detach()
            withExtendedLifetime(ticket) {}
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: Self.headers(exec.id, type: "application/x-ndjson"), body: body)
    }

    /// Waits for the end and answers with all output.
    func collect(_ exec: any GuestExec, for request: Request, _ context: APIRequestContext) async throws -> Response {
        let ticket = try await enter(exec, context)
        defer { withExtendedLifetime(ticket) {} }
        do {
            let result = try await Self.untilClientCloses(request) {
                var collector = OutputCollector(limit: TransferLimit.collectedOutputBytes)
                return try await collector.run(exec)
            }
            await exec.detach()
            var response = try Response.json(result)
            response.headers.append(contentsOf: Self.headers(exec.id, type: nil))
            return response
        } catch {
            await exec.detach()
            throw follows.isEnding ? FollowedExecs.shuttingDown : error
        }
    }

    private func enter(_ exec: any GuestExec, _ context: APIRequestContext) async throws -> FollowTicket {
        do {
            return try follows.enter(context.channel)
        } catch {
            await exec.detach()
            throw error
        }
    }

    /// Runs `operation`, and cancels it when the client closes its side of the connection.
    @concurrent
    private static func untilClientCloses<Value: Sendable>(
        _ request: Request,
        _ operation: @concurrent () async throws -> Value
    ) async throws -> Value {
        try await request.body.consumeWithCancellationOnInboundClose { _ in try await operation() }
    }

    /// The last line of a stream that failed; nil when nobody is there to read it.
    private static func farewell(for error: any Error, isEnding: Bool) -> ExecEvent? {
        if isEnding { return .error(code: .unavailable, message: FollowedExecs.shuttingDown.message) }
        switch error {
        case let error as VersError: return .error(code: error.code, message: error.message)
        default: return nil
        }
    }

    private static func line(_ event: ExecEvent) throws -> ByteBuffer {
        var buffer = ByteBuffer(bytes: try JSONCoding.encode(event))
        buffer.writeInteger(UInt8(ascii: "\n"))
        return buffer
    }

    private static func headers(_ id: ExecID, type: String?) -> HTTPFields {
        var headers: HTTPFields = [.execID: id.text, .connection: "close", .cacheControl: "no-store"]
        if let type { headers[.contentType] = type }
        return headers
    }
}
