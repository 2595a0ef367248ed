import Foundation
public import VersAPI

/// What the administrator does about registrations.
extension AccountService {
    /// Those that wait, the oldest first.
    public func listRegistrations(for principal: Principal) async throws -> RegistrationList {
        try await requireAdministrator(principal, to: "look at registrations")
        var waiting: [RegistrationInfo] = []
        for registration in try await registrations() where registration.approvedAt == nil {
            let user = try await domain.accounts.user(email: registration.email)
            waiting.append(
                RegistrationInfo(
                    registration_id: registration.id,
                    email: registration.email,
                    ssh_public_key: registration.sshPublicKey,
                    is_new_user: user == nil,
                    created_at: registration.createdAt,
                    expires_at: registration.expiresAt
                )
            )
        }
        return RegistrationList(registrations: waiting)
    }

    /// Lets whoever registered make one key. A user who is in no organisation gets one of its own, unless the request
    /// names another.
    public func approveRegistration(
        _ id: RegistrationID,
        _ request: ApproveRegistrationRequest,
        for principal: Principal
    ) async throws {
        try await requireAdministrator(principal, to: "approve registrations")
        guard let registration = try await registrations().first(where: { $0.id == id }) else {
            throw Self.notFound(id)
        }
        if let organisation = request.org_id {
            _ = try await self.organisation(organisation, for: try await actor(principal))
        }
        let limits = KeyLimits(
            memoryMiB: request.max_memory_mib,
            vcpuCount: request.max_vcpus,
            machines: request.max_vms
        )
        try limits.validate()
        let approval = try await approval(of: registration, joining: request.org_id, limits: limits)
        guard try await domain.accounts.approve(id, at: Date(), as: approval) else { throw Self.notFound(id) }
    }

    public func rejectRegistration(_ id: RegistrationID, for principal: Principal) async throws {
        try await requireAdministrator(principal, to: "reject registrations")
        guard try await domain.accounts.remove(id) else { throw Self.notFound(id) }
    }

    private func approval(
        of registration: Registration,
        joining organisation: OrganisationID?,
        limits: KeyLimits
    ) async throws -> RegistrationApproval {
        let known = try await domain.accounts.user(email: registration.email)
        let made = User(email: registration.email)
        let user = known ?? User(id: registration.userID, name: made.name, email: made.email)
        let memberships = try await domain.accounts.memberships(of: user.id)
        if let organisation {
            let isMember = memberships.contains { $0.organisationID == organisation }
            let new = Membership(organisationID: organisation, userID: user.id, role: .member)
            return RegistrationApproval(user: user, memberships: isMember ? [] : [new], limits: limits)
        }
        guard memberships.isEmpty else { return RegistrationApproval(user: user, memberships: [], limits: limits) }
        if let base = Self.baseAddress(of: user.email), let owner = try await domain.accounts.user(email: base) {
            let shared = try await domain.accounts.memberships(of: owner.id).map {
                Membership(organisationID: $0.organisationID, userID: user.id, role: .member)
            }
            return RegistrationApproval(user: user, memberships: shared, limits: limits)
        }
        let founded = Organisation(name: try await freeName(for: user))
        let ownership = Membership(organisationID: founded.id, userID: user.id, role: .owner)
        return RegistrationApproval(user: user, founded: founded, memberships: [ownership], limits: limits)
    }

    /// What stands before the `@`, as far as a name may have it, with a number when it is taken.
    private func freeName(for user: User) async throws -> String {
        let taken = Set(try await domain.accounts.organisations().map(\.name))
        let letters = user.name.filter { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        let stem = String(letters.drop { "._-".contains($0) }.prefix(56))
        let base = stem.isEmpty ? "organisation" : stem
        guard taken.contains(base) else { return base }
        return (2...taken.count + 2).lazy.map { "\(base)-\($0)" }.first { !taken.contains($0) } ?? base
    }

    private static func notFound(_ id: RegistrationID) -> VersError {
        VersError(
            .notFound,
            "registration not found: \(id)",
            hint: "they end after a day; list those that wait with: vers registration list"
        )
    }
}
