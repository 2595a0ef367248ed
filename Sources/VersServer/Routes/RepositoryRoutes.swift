import Hummingbird
import VersAPI

/// Repositories of the organisation, their tags, and forks.
struct RepositoryRoutes: Sendable {
    let repositories: any RepositoryOperations
    let bodies: BodyReader

    func register(on routes: inout RouteList) {
        routes.on(.get, "/repositories", use: list)
        routes.on(.post, "/repositories", use: create)
        routes.on(.post, "/repositories/fork", use: fork)
        routes.on(.get, "/repositories/:repo", use: info)
        routes.on(.delete, "/repositories/:repo", use: delete)
        routes.on(.patch, "/repositories/:repo/visibility", .repeatable, use: setVisibility)
        routes.on(.get, "/repositories/:repo/tags", use: tags)
        routes.on(.post, "/repositories/:repo/tags", use: createTag)
        routes.on(.get, "/repositories/:repo/tags/:tag", use: tag)
        routes.on(.patch, "/repositories/:repo/tags/:tag", .repeatable, use: editTag)
        routes.on(.delete, "/repositories/:repo/tags/:tag", use: deleteTag)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await repositories.list(for: try context.requirePrincipal()))
    }

    private func create(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(RepositoryCreateRequest.self, of: request)
        return try .json(try await repositories.create(body, for: principal), status: .created)
    }

    private func fork(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(ForkRequest.self, of: request)
        return try .json(try await repositories.fork(body, for: principal), status: .created)
    }

    private func info(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await repositories.info(of: try context.repositoryName(), for: try context.requirePrincipal()))
    }

    private func delete(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try await repositories.delete(try context.repositoryName(), for: try context.requirePrincipal())
        return .noContent
    }

    private func setVisibility(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let name = try context.repositoryName()
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(VisibilityRequest.self, of: request)
        try await repositories.setVisibility(of: name, isPublic: body.is_public, for: principal)
        return .noContent
    }

    private func tags(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await repositories.tags(of: try context.repositoryName(), for: try context.requirePrincipal()))
    }

    private func createTag(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let name = try context.repositoryName()
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(TagCreateRequest.self, of: request)
        return try .json(try await repositories.createTag(body, in: name, for: principal), status: .created)
    }

    private func tag(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (tag, name) = (try context.tagName(), try context.repositoryName())
        return try .json(try await repositories.tag(tag, of: name, for: try context.requirePrincipal()))
    }

    private func editTag(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (tag, name) = (try context.tagName(), try context.repositoryName())
        let principal = try context.requirePrincipal()
        let body = try await bodies.json(TagEditRequest.self, of: request)
        try await repositories.editTag(tag, of: name, body, for: principal)
        return .noContent
    }

    private func deleteTag(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (tag, name) = (try context.tagName(), try context.repositoryName())
        try await repositories.deleteTag(tag, of: name, for: try context.requirePrincipal())
        return .noContent
    }
}
