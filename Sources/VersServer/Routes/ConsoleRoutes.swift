import Foundation
import Hummingbird
import VersAPI
import VersCore

/// The serial console's output.
struct ConsoleRoutes: Sendable {
    let machines: any MachineOperations

    func register(on routes: inout RouteList) {
        routes.on(.get, "/vm/:id/console", use: read)
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
        return try .json(
            ConsoleResponse(
                content_b64: Data(chunk.bytes).base64EncodedString(),
                next_offset: chunk.nextOffset
            )
        )
    }
}
