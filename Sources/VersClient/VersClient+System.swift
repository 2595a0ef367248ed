public import VersAPI

extension VersClient {
    /// Needs no valid key.
    public func version() async throws -> VersionResponse {
        try await transport.value(VersionResponse.self, RequestPlan(.get, "/system/version"))
    }

    /// How to reach VMs from outside.
    public func frontDoor() async throws -> FrontDoorResponse {
        try await transport.value(FrontDoorResponse.self, RequestPlan(.get, "/system/front-door"))
    }

    /// Needs no valid key.
    public func health() async throws -> HealthResponse {
        var plan = RequestPlan(.get, "/health")
        plan.isAtRoot = true
        return try await transport.value(HealthResponse.self, plan)
    }
}
