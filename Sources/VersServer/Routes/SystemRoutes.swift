import Hummingbird
import VersAPI

/// The server itself. Only the way into guests needs a key.
struct SystemRoutes: Sendable {
    let version: VersionResponse
    let counters: ServerCounters
    let follows: FollowedStreams
    let frontDoor: any FrontDoorOperations

    func register(on routes: inout RouteList) {
        routes.onPublic(.get, "/api/v1/system/version") { _, _ in try .json(version) }
        routes.on(.get, "/system/front-door") { _, _ in try .json(await frontDoor.description()) }
        routes.onPublic(.get, "/health") { _, _ in
            let door = frontDoor.counters
            return try .json(
                HealthResponse(
                    status: "ok",
                    http: counters.snapshot,
                    exec: follows.counters(of: .command),
                    ssh: door.ssh,
                    websocket: door.websocket,
                    front_door: door
                )
            )
        }
    }
}
