import VersAPI

/// What organisations are called: the first part of `org/repo:tag`.
struct OrganisationNaming: Sendable {
    let accounts: any AccountStoring

    /// Nil when there is no such organisation.
    func name(of id: OrganisationID) async throws -> String? {
        guard let organisation = try await accounts.organisation(id), organisation.deletedAt == nil else { return nil }
        return organisation.name
    }

    /// Nil when no organisation is called that.
    func organisation(named name: String) async throws -> OrganisationID? {
        try await accounts.organisations().first { $0.name == name }?.id
    }
}
