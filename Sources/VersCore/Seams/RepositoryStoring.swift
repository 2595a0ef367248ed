public import VersAPI

/// Repositories. A call is one transaction.
public protocol RepositoryStoring: Sendable {
    /// - Throws: `.alreadyExists` when the organisation has a repository of that name.
    func insert(_ repository: Repository) async throws
    func repository(_ name: String, of organisation: OrganisationID) async throws -> Repository?
    /// Sorted by name.
    func repositories(of organisation: OrganisationID) async throws -> [Repository]
    /// Of every organisation, sorted by name.
    func publicRepositories() async throws -> [Repository]
    /// - Returns: whether there was such a repository.
    func setVisibility(
        ofRepository name: String,
        of organisation: OrganisationID,
        isPublic: Bool
    ) async throws -> Bool
    /// Its tags go with it.
    /// - Returns: whether there was such a repository.
    func deleteRepository(_ name: String, of organisation: OrganisationID) async throws -> Bool
    /// Inserts everything that a fork makes, or nothing.
    /// - Throws: `.alreadyExists` when the organisation has a repository of that name.
    func insert(_ fork: Fork) async throws
}
