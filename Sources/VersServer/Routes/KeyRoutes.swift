import Hummingbird
import VersAPI

/// API keys, and whom the caller's own stands for.
struct KeyRoutes: Sendable {
    let accounts: any AccountOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/whoami") { _, context in
            try .json(try await accounts.whoAmI(try context.requirePrincipal()))
        }
        routes.on(.post, "/keys/validate", .never, use: validate)
        routes.on(.get, "/keys", use: list)
        routes.on(.post, "/keys", use: create)
        routes.on(.delete, "/keys/:id", .repeatable, use: revoke)
    }

    /// Whoever gets here has shown a valid key. Some clients send a body.
    private func validate(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        _ = try context.requirePrincipal()
        return try .json(ValidateKeyResponse(valid: true, message: "the API key is valid"))
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let organisation = try QueryOptions(request).id("org_id", as: OrganisationID.self)
        return try .json(try await accounts.listKeys(of: organisation, for: try context.requirePrincipal()))
    }

    private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await bodies.json(CreateKeyRequest.self, of: request)
        let key = try await accounts.createKey(body, for: try context.requirePrincipal())
        return try .json(key, status: .created)
    }

    private func revoke(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(KeyID.self, name: "key_id")
        try await accounts.revokeKey(id, for: try context.requirePrincipal())
        return .noContent
    }
}
