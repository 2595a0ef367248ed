public import VersAPI

/// The environment variables of organisations. A call is one transaction.
public protocol EnvironmentStoring: Sendable {
    func variables(of organisation: OrganisationID) async throws -> [String: String]
    /// Replaces the variables by what `change` makes of them; changes nothing when it throws.
    @discardableResult
    func changeVariables(
        of organisation: OrganisationID,
        _ change: @Sendable @escaping (inout [String: String]) throws -> Void
    ) async throws -> [String: String]
}
