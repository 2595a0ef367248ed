import HTTPTypes
import Hummingbird
import NIOCore
import VersAPI
import VersCore

/// Answers with the events of a followed command, for as long as it runs and the client listens.
///
/// When the client goes away, or the server shuts down, it detaches; the command runs on. A VM that a connection has woken
/// stays awake meanwhile.
struct ExecFollower: Sendable {
    let follows: FollowedStreams

    /// One line per event, each flushed on its own. The next event is asked for when the client's socket has taken
    /// the last one: that is the back-pressure.
    func stream(
        _ exec: any GuestExec,
        _ context: APIRequestContext,
        keeping use: any Sendable
    ) async throws -> Response {
        let ticket = try await enter(exec, context)
        let follows = follows
        let body = ResponseBody { writer in
            do {
                try await ticket.forEach(of: exec.next) { try await writer.write(Self.line($0)) }
            } catch {
                await exec.detach()
                guard let event = Self.farewell(for: error, isEnding: follows.isEnding) else { throw error }
                try await writer.write(Self.line(event))
            }
            await exec.detach()
            withExtendedLifetime(use) {}
            try await writer.finish(nil)
        }
        var headers = Self.headers(exec.id)
        headers[.contentType] = "application/x-ndjson"
        return Response(status: .ok, headers: headers, body: body)
    }

    /// Waits for the end and answers with all output.
    func collect(
        _ exec: any GuestExec,
        _ context: APIRequestContext,
        keeping use: any Sendable
    ) async throws -> Response {
        defer { withExtendedLifetime(use) {} }
        let ticket = try await enter(exec, context)
        do {
            var collector = OutputCollector(exec.id, limit: TransferLimit.collectedOutputBytes)
            try await ticket.forEach(of: exec.next) { try collector.add($0) }
            await exec.detach()
            var response = try Response.json(try collector.result())
            response.headers.append(contentsOf: Self.headers(exec.id))
            return response
        } catch {
            await exec.detach()
            throw follows.isEnding ? FollowedStreams.shuttingDown(.command) : error
        }
    }

    private func enter(_ exec: any GuestExec, _ context: APIRequestContext) async throws -> FollowTicket {
        do {
            return try follows.enter(context.channel, following: .command)
        } catch {
            await exec.detach()
            throw error
        }
    }

    /// The last line of a stream that failed; nil when nobody is there to read it.
    private static func farewell(for error: any Error, isEnding: Bool) -> ExecEvent? {
        if isEnding { return .error(code: .unavailable, message: FollowedStreams.shuttingDown(.command).message) }
        guard let error = error as? VersError else { return nil }
        return .error(code: error.code, message: error.message)
    }

    private static func line(_ event: ExecEvent) throws -> ByteBuffer {
        try ByteBuffer(lineOf: event)
    }

    private static func headers(_ id: ExecID) -> HTTPFields {
        [.execID: id.text, .cacheControl: "no-store"]
    }
}
