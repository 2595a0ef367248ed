import Hummingbird
import VersAPI

/// Tags of the organisation.
struct TagRoutes: Sendable {
    let tags: any TagOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/commit_tags", use: list)
        routes.on(.post, "/commit_tags", use: create)
        routes.on(.get, "/commit_tags/:tag", use: info)
        routes.on(.patch, "/commit_tags/:tag", .repeatable, use: edit)
        routes.on(.delete, "/commit_tags/:tag", use: delete)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await tags.list(for: try context.requirePrincipal()))
    }

    private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(TagCreateRequest.self, of: request)
        return try .json(try await tags.create(body, for: principal), status: .created)
    }

    private func info(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await tags.info(of: try context.tagName(), for: try context.requirePrincipal()))
    }

    private func edit(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let name = try context.tagName()
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(TagEditRequest.self, of: request)
        try await tags.edit(name, body, for: principal)
        return .noContent
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await tags.delete(try context.tagName(), for: try context.requirePrincipal())
        return .noContent
    }
}
