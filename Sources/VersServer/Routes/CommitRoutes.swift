import Hummingbird
import VersAPI

/// Commits that exist.
struct CommitRoutes: Sendable {
    let commits: any CommitOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/commits", use: list)
        routes.on(.get, "/commits/public", use: listPublic)
        routes.on(.get, "/commits/:id", use: info)
        routes.on(.patch, "/commits/:id", .repeatable, use: edit)
        routes.on(.delete, "/commits/:id", use: delete)
        routes.on(.get, "/vm/commits/:id/parents", use: parents)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (limit, offset) = try Self.page(request)
        return try .json(try await commits.list(limit: limit, offset: offset, for: try context.requirePrincipal()))
    }

    private func listPublic(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (limit, offset) = try Self.page(request)
        return try .json(try await commits.listPublic(limit: limit, offset: offset))
    }

    private static func page(_ request: Request) throws -> (limit: Int, offset: Int) {
        let query = QueryOptions(request)
        return (
            limit: try query.integer("limit", default: CommitPage.defaultLimit, in: 1...CommitPage.maximumLimit),
            offset: try query.integer("offset", default: 0, in: 0...Int(Int32.max))
        )
    }

    private func info(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await commits.info(of: try context.commitID(), for: try context.requirePrincipal()))
    }

    private func edit(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.commitID()
        let body = try await bodies.json(CommitEditRequest.self, of: request)
        return try .json(try await commits.edit(id, body, for: try context.requirePrincipal()))
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await commits.delete(try context.commitID(), for: try context.requirePrincipal())
        return .noContent
    }

    private func parents(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await commits.history(of: try context.commitID(), for: try context.requirePrincipal()))
    }
}
