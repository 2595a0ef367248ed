import VersAPI

extension VersClient {
    /// The organisation's environment variables.
    public func environmentVariables() async throws -> [String: String] {
        try await transport.value(EnvironmentResponse.self, RequestPlan(.get, "/env_vars")).vars
    }

    /// Adds variables and replaces those of the same name.
    /// - Parameter replace: whether the others go.
    /// - Returns: every variable there is now.
    @discardableResult
    public func setEnvironmentVariables(
        _ variables: [String: String],
        replace: Bool = false
    ) async throws -> [String: String] {
        let body = EnvironmentRequest(vars: variables, replace: replace)
        return try await transport.value(EnvironmentResponse.self, try RequestPlan(.put, "/env_vars", json: body)).vars
    }

    /// - Throws: `.notFound` when there is no such variable.
    public func deleteEnvironmentVariable(_ key: String) async throws {
        try await transport.perform(RequestPlan(.delete, "/env_vars/\(RequestPlan.segment(key))"))
    }
}
