import VersAPI

/// Finds repositories by what they are called.
struct RepositoryFinder: Sendable {
    let domain: Domain

    /// The principal's own repository.
    func repository(_ name: String, ownedBy principal: Principal) async throws -> Repository {
        guard let repository = try await domain.names.repository(name, of: principal.organisationID) else {
            throw Self.notFound(name)
        }
        return repository
    }

    /// A public repository and its organisation.
    func publicRepository(_ name: String, ofOrganisation organisation: String) async throws -> Repository {
        guard let id = try await domain.organisations.organisation(named: organisation),
            let repository = try await domain.names.repository(name, of: id), repository.isPublic
        else { throw Self.notFound("\(organisation)/\(name)") }
        return repository
    }

    /// The repository in a reference: the principal's own without an organisation, else its own or a public one.
    func repository(of reference: TagReference, for principal: Principal) async throws -> Repository {
        guard let organisation = reference.organisation else {
            return try await repository(reference.repository, ownedBy: principal)
        }
        if try await domain.organisations.organisation(named: organisation) == principal.organisationID {
            return try await repository(reference.repository, ownedBy: principal)
        }
        return try await publicRepository(reference.repository, ofOrganisation: organisation)
    }

    static func notFound(_ name: String) -> VersError {
        VersError(
            .notFound,
            "repository not found: '\(name.prefix(160))'",
            hint: "list repositories with: vers repo list, public ones with: vers repo list --public"
        )
    }
}
