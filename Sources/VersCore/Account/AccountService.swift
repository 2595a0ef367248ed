import Foundation
public import VersAPI

/// Organisations, users, keys and registrations.
///
/// The owner's key, which lies in the instance's home, manages everything. Other keys see their own organisation;
/// those of its admins and owners manage its keys.
public final class AccountService: Sendable {
    let domain: Domain
    let keys: KeyService
    let registration: RegistrationPolicy

    public init(domain: Domain, keys: KeyService, registration: RegistrationPolicy) {
        self.domain = domain
        self.keys = keys
        self.registration = registration
    }

    /// Who asks, as far as it matters for what it may manage.
    struct Actor: Sendable {
        var key: APIKey
        /// In the key's organisation.
        var role: Role?
    }

    public func whoAmI(_ principal: Principal) async throws -> WhoAmIResponse {
        let actor = try await actor(principal)
        guard let user = try await domain.accounts.user(actor.key.userID),
            let organisation = try await domain.accounts.organisation(actor.key.organisationID)
        else { throw VersError(.internal, "key \(principal.keyID) belongs to nobody") }
        return WhoAmIResponse(
            user: .init(id: user.id, user_name: user.name, email: user.email),
            org: .init(id: organisation.id, name: organisation.name, role: actor.role),
            api_key: .init(actor.key.info)
        )
    }

    func actor(_ principal: Principal) async throws -> Actor {
        guard let key = try await domain.accounts.key(principal.keyID) else {
            throw VersError(.unauthenticated, "key \(principal.keyID) does not exist")
        }
        let memberships = try await domain.accounts.memberships(of: key.userID)
        return Actor(key: key, role: memberships.first { $0.organisationID == key.organisationID }?.role)
    }

    /// - Throws: `.forbidden` unless the principal's key manages the instance.
    func requireAdministrator(_ principal: Principal, to what: String) async throws {
        guard try await actor(principal).key.isAdministrator else {
            throw VersError(
                .forbidden,
                "only the administrator may \(what)",
                hint: "use the owner's key, which is in the file owner.key of the instance's directory"
            )
        }
    }

    /// An organisation that exists and that the actor may see.
    /// - Throws: `.notFound`.
    func organisation(_ id: OrganisationID, for actor: Actor) async throws -> Organisation {
        guard actor.key.isAdministrator || actor.key.organisationID == id,
            let organisation = try await domain.accounts.organisation(id), organisation.deletedAt == nil
        else {
            throw VersError(.notFound, "organisation not found: \(id)", hint: "list organisations with: vers org list")
        }
        return organisation
    }

    /// - Throws: `.forbidden` unless the actor manages its organisation's keys.
    func requireManager(_ actor: Actor) throws {
        guard actor.key.isAdministrator || actor.role.map({ $0 >= .admin }) == true else {
            throw VersError(
                .forbidden,
                "a \(actor.role?.rawValue ?? "stranger") may not manage the organisation's keys: "
                    + "expected an admin or owner of it",
                hint: "ask somebody who is: vers whoami shows your role"
            )
        }
    }
}
