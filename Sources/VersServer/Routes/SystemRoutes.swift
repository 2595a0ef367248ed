import Hummingbird
import VersAPI

/// What can be asked without a key.
struct SystemRoutes: Sendable {
    let version: VersionResponse
    let counters: ServerCounters
    let follows: FollowedExecs

    func register(on routes: inout RouteList) {
        routes.onPublic(.get, "/api/v1/system/version") { _, _ in try .json(version) }
        routes.onPublic(.get, "/health") { _, _ in
            try .json(HealthResponse(status: "ok", http: counters.snapshot, exec: follows.counters))
        }
    }
}
