import Hummingbird
import VersAPI

/// Environment variables of the organisation.
struct EnvironmentRoutes: Sendable {
    let environment: any EnvironmentOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/env_vars", use: list)
        routes.on(.put, "/env_vars", .repeatable, use: set)
        routes.on(.delete, "/env_vars/:key", use: delete)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await environment.variables(for: try context.requirePrincipal()))
    }

    private func set(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(EnvironmentRequest.self, of: request)
        return try .json(try await environment.set(body, for: principal))
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let key = try context.pathText("key")
        try EnvironmentLimit.check(key: key)
        try await environment.delete(key, for: try context.requirePrincipal())
        return .noContent
    }
}
