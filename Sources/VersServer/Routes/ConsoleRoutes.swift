import Foundation
import Hummingbird
import VersAPI
import VersCore

/// The serial console's output.
struct ConsoleRoutes: Sendable {
    let machines: any MachineOperations
    let follows: FollowedStreams

    func register(on routes: inout RouteList) {
        routes.on(.get, "/vm/:id/console", use: read)
        routes.on(.get, "/vm/:id/console/stream", use: follow)
    }

    private func read(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let query = QueryOptions(request)
        let chunk = try await machines.console(
            of: try context.machineID(),
            offset: try query.integer("offset", default: UInt64(0), in: 0...UInt64(Int64.max)),
            limit: try query.integer(
                "limit",
                default: ConsoleResponse.defaultLimit,
                in: 1...TransferLimit.consoleBytes
            ),
            for: try context.requirePrincipal()
        )
        return try .json(ConsoleResponse(chunk))
    }

    /// A line for each piece, as the VM writes it. Ends with the VM; breaks off when the server shuts down.
    private func follow(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let offset = try QueryOptions(request).integer("offset", default: UInt64(0), in: 0...UInt64(Int64.max))
        let console = try await machines.followConsole(
            of: try context.machineID(),
            offset: offset,
            for: try context.requirePrincipal()
        )
        let ticket = try follows.enter(context.channel, following: .console)
        let body = ResponseBody { writer in
            try await ticket.forEach(of: console.next) { chunk in
                try await writer.write(ByteBuffer(lineOf: ConsoleResponse(chunk)))
            }
            try await writer.finish(nil)
        }
        return Response(
            status: .ok,
            headers: [.contentType: "application/x-ndjson", .cacheControl: "no-store"],
            body: body
        )
    }
}

extension ConsoleResponse {
    fileprivate init(_ chunk: ConsoleChunk) {
        self.init(content_b64: Data(chunk.bytes).base64EncodedString(), next_offset: chunk.nextOffset)
    }
}
