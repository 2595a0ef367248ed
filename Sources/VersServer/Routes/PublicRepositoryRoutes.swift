import Hummingbird
import VersAPI

/// Public repositories, which everybody may read without a key.
struct PublicRepositoryRoutes: Sendable {
    let repositories: any RepositoryOperations

    func register(on routes: inout RouteList) {
        routes.onPublic(.get, "/api/v1/public/repositories", use: list)
        routes.onPublic(.get, "/api/v1/public/repositories/:org/:repo", use: info)
        routes.onPublic(.get, "/api/v1/public/repositories/:org/:repo/tags", use: tags)
        routes.onPublic(.get, "/api/v1/public/repositories/:org/:repo/tags/:tag", use: tag)
    }

    private func list(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        try .json(try await repositories.publicList())
    }

    private func info(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (organisation, name) = (try context.organisationName(), try context.repositoryName())
        return try .json(try await repositories.publicInfo(of: name, in: organisation))
    }

    private func tags(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (organisation, name) = (try context.organisationName(), try context.repositoryName())
        return try .json(try await repositories.publicTags(of: name, in: organisation))
    }

    private func tag(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let (organisation, name) = (try context.organisationName(), try context.repositoryName())
        return try .json(try await repositories.publicTag(try context.tagName(), of: name, in: organisation))
    }
}
