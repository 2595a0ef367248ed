import Hummingbird
import VersAPI

/// Deploying a repository of GitHub takes a GitHub App that only the hosted service has: as it answers where none is
/// configured, so does this server everywhere.
struct DeployRoutes: Sendable {
    let bodies: BodyReader

    func register(on routes: inout RouteList) { routes.on(.post, "/deploy", .never, use: deploy) }

    private func deploy(_ request: Request, _ context: APIRequestContext) async throws -> Response {
        let body = try await bodies.json(DeployRequest.self, of: request)
        let parts = body.repo.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
            throw VersError(.invalidArgument, "invalid repo '\(body.repo.prefix(200))': expected owner/repo")
        }
        throw VersError(
            .unsupported,
            "cannot deploy '\(body.repo.prefix(200))': no GitHub App is configured on this server",
            hint: "start a vm and clone the repository in it: vers run, then vers execute <vm> -- git clone <url>"
        )
    }
}
