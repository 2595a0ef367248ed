import Hummingbird
import VersAPI

/// Organisations, who is in them, and who wants to be.
struct OrganisationRoutes: Sendable {
    let accounts: any AccountOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/orgs", use: list)
        routes.on(.post, "/orgs", use: create)
        routes.on(.get, "/orgs/:id", use: info)
        routes.on(.delete, "/orgs/:id", use: delete)
        routes.on(.get, "/orgs/:id/members", use: members)
        routes.on(.put, "/orgs/:id/members", .repeatable, use: setMember)
        routes.on(.delete, "/orgs/:id/members/:user_id", use: removeMember)
        routes.on(.get, "/registrations", use: registrations)
        routes.on(.post, "/registrations/:id/approve", .repeatable, use: approve)
        routes.on(.delete, "/registrations/:id", use: reject)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await accounts.listOrganisations(for: try context.requirePrincipal()))
    }

    private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await bodies.json(CreateOrganisationRequest.self, of: request)
        let organisation = try await accounts.createOrganisation(body, for: try context.requirePrincipal())
        return try .json(organisation, status: .created)
    }

    private func info(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await accounts.organisation(try Self.id(context), for: try context.requirePrincipal()))
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await accounts.deleteOrganisation(try Self.id(context), for: try context.requirePrincipal())
        return .noContent
    }

    private func members(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await accounts.listMembers(of: try Self.id(context), for: try context.requirePrincipal()))
    }

    private func setMember(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try Self.id(context)
        let body = try await bodies.json(SetMemberRequest.self, of: request)
        return try .json(try await accounts.setMember(of: id, body, for: try context.requirePrincipal()))
    }

    private func removeMember(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let user = try context.pathID(UserID.self, capture: "user_id", name: "user_id")
        try await accounts.removeMember(user, of: try Self.id(context), for: try context.requirePrincipal())
        return .noContent
    }

    private func registrations(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await accounts.listRegistrations(for: try context.requirePrincipal()))
    }

    private func approve(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(RegistrationID.self, name: "registration_id")
        let body = try await bodies.optionalJSON(ApproveRegistrationRequest.self, of: request)
        try await accounts.approveRegistration(
            id,
            body ?? ApproveRegistrationRequest(),
            for: try context.requirePrincipal()
        )
        return .emptyObject
    }

    private func reject(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(RegistrationID.self, name: "registration_id")
        try await accounts.rejectRegistration(id, for: try context.requirePrincipal())
        return .noContent
    }

    private static func id(_ context: APIRequestContext) throws -> OrganisationID {
        try context.pathID(OrganisationID.self, name: "org_id")
    }
}
