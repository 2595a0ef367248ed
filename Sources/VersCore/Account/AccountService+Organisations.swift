import Foundation
public import VersAPI

extension AccountService {
    /// Every organisation for the administrator, for others their own.
    public func listOrganisations(for principal: Principal) async throws -> OrganisationList {
        let actor = try await actor(principal)
        let roles = try await roles(of: actor)
        let visible = try await domain.accounts.organisations().filter {
            actor.key.isAdministrator || $0.id == actor.key.organisationID
        }
        return OrganisationList(orgs: visible.map { Self.info($0, role: roles[$0.id]) })
    }

    /// The administrator becomes the new organisation's owner.
    public func createOrganisation(
        _ request: CreateOrganisationRequest,
        for principal: Principal
    ) async throws -> OrganisationInfo {
        try Validation.name(request.name, of: "organisation name")
        try await requireAdministrator(principal, to: "create organisations")
        let actor = try await actor(principal)
        let organisation = Organisation(name: request.name)
        try await domain.accounts.insert(organisation, owner: actor.key.userID)
        return Self.info(organisation, role: .owner)
    }

    public func organisation(_ id: OrganisationID, for principal: Principal) async throws -> OrganisationInfo {
        let actor = try await actor(principal)
        let organisation = try await organisation(id, for: actor)
        return Self.info(organisation, role: try await roles(of: actor)[id])
    }

    /// Deletes an organisation that is empty; its keys are revoked.
    /// - Throws: `.inUse` while it has VMs, commits or images.
    public func deleteOrganisation(_ id: OrganisationID, for principal: Principal) async throws {
        let actor = try await actor(principal)
        _ = try await organisation(id, for: actor)
        try await requireAdministrator(principal, to: "delete organisations")
        guard id != .owner else {
            throw VersError(.forbidden, "the organisation of the machine's owner cannot be deleted")
        }
        try await domain.accounts.delete(id, at: Date())
    }

    public func listMembers(of id: OrganisationID, for principal: Principal) async throws -> MemberList {
        _ = try await organisation(id, for: try await actor(principal))
        var members: [MemberInfo] = []
        for membership in try await domain.accounts.members(of: id) {
            guard let user = try await domain.accounts.user(membership.userID) else { continue }
            members.append(Self.info(user, role: membership.role))
        }
        return MemberList(members: members)
    }

    /// Adds a user to an organisation, or changes its role there.
    public func setMember(
        of id: OrganisationID,
        _ request: SetMemberRequest,
        for principal: Principal
    ) async throws -> MemberInfo {
        let email = try EmailAddress.normalised(request.email)
        _ = try await organisation(id, for: try await actor(principal))
        try await requireAdministrator(principal, to: "change who is in an organisation")
        let known = try await domain.accounts.user(email: email)?.id
        guard known != .owner || id != .owner || request.role == .owner else { throw Self.ownerStays() }
        let user = try await domain.accounts.setRole(request.role, ofUserAt: email, in: id)
        return Self.info(user, role: request.role)
    }

    /// Takes a user out of an organisation; its keys of that organisation are revoked.
    public func removeMember(_ user: UserID, of id: OrganisationID, for principal: Principal) async throws {
        _ = try await organisation(id, for: try await actor(principal))
        try await requireAdministrator(principal, to: "change who is in an organisation")
        guard user != .owner || id != .owner else { throw Self.ownerStays() }
        guard try await domain.accounts.endMembership(of: user, in: id, at: Date()) else {
            throw VersError(.notFound, "user not found: \(user) is no member", hint: "see: vers org members")
        }
    }

    func roles(of actor: Actor) async throws -> [OrganisationID: Role] {
        let memberships = try await domain.accounts.memberships(of: actor.key.userID)
        return Dictionary(memberships.map { ($0.organisationID, $0.role) }) { $1 }
    }

    private static func ownerStays() -> VersError {
        VersError(.forbidden, "the machine's owner stays the owner of its organisation")
    }

    private static func info(_ organisation: Organisation, role: Role?) -> OrganisationInfo {
        OrganisationInfo(
            org_id: organisation.id,
            name: organisation.name,
            created_at: organisation.createdAt,
            role: role
        )
    }

    private static func info(_ user: User, role: Role) -> MemberInfo {
        MemberInfo(user_id: user.id, user_name: user.name, email: user.email, role: role)
    }
}
