import Hummingbird
import VersAPI

/// DNS names bound to VMs.
struct DomainNameRoutes: Sendable {
    let domainNames: any DomainNameOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/domains", use: list)
        routes.on(.post, "/domains", use: create)
        routes.on(.get, "/domains/:id", use: info)
        routes.on(.delete, "/domains/:id", use: delete)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let machine = try QueryOptions(request).identifier("vm_id", as: MachineID.self)
        return try .json(try await domainNames.list(of: machine, for: try context.requirePrincipal()))
    }

    private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(DomainNameCreateRequest.self, of: request)
        return try .json(try await domainNames.create(body, for: principal), status: .created)
    }

    private func info(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(DomainID.self, name: "domain_id")
        return try .json(try await domainNames.info(of: id, for: try context.requirePrincipal()))
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let id = try context.pathID(DomainID.self, name: "domain_id")
        try await domainNames.delete(id, for: try context.requirePrincipal())
        return try .json(DomainNameDeleteResponse(domain_id: id))
    }
}
