import Foundation
public import VersAPI

extension AccountService {
    /// Keys of one organisation that can be used at once.
    static let maximumKeys = 1000
    static let labelLength = 1...100

    /// The keys of an organisation, the oldest first.
    /// - Parameter organisation: the principal's own when nil.
    public func listKeys(of organisation: OrganisationID?, for principal: Principal) async throws -> KeyList {
        let actor = try await actor(principal)
        let organisation = try await self.organisation(organisation ?? principal.organisationID, for: actor)
        try requireManager(actor)
        return KeyList(keys: try await domain.accounts.keys(of: organisation.id).map(\.info))
    }

    /// Creates a key that may do no more than the one that asks, unless that is the administrator's. The answer has
    /// its text, which cannot be read again.
    public func createKey(_ request: CreateKeyRequest, for principal: Principal) async throws -> CreatedKeyResponse {
        try Self.validate(label: request.label)
        let wished = KeyLimits(
            memoryMiB: request.max_memory_mib,
            vcpuCount: request.max_vcpus,
            machines: request.max_vms
        )
        try wished.validate()
        if let expiry = request.expires_at, expiry <= Date() {
            throw VersError(
                .invalidArgument,
                "invalid expires_at \(RFC3339.string(from: expiry)): expected a time in the future"
            )
        }
        let actor = try await actor(principal)
        let organisation = try await organisation(request.org_id ?? principal.organisationID, for: actor)
        try requireManager(actor)
        let user = try await holder(request.user_email, in: organisation, for: actor)
        try await requireRoom(for: organisation)
        let (text, key) = try keys.make(
            label: request.label,
            organisation: organisation.id,
            user: user,
            expiresAt: [request.expires_at, actor.key.expiresAt].compactMap(\.self).min(),
            limits: wished.narrowed(by: actor.key.limits)
        )
        try await domain.accounts.insert(key)
        return CreatedKeyResponse(api_key: text, key: key.info)
    }

    /// Revokes a key: no request is answered with it from then on. Its VMs and commits stay the organisation's.
    /// - Throws: `.conflict` for the last key of the administrator.
    public func revokeKey(_ id: KeyID, for principal: Principal) async throws {
        let actor = try await actor(principal)
        guard let key = try await domain.accounts.key(id),
            actor.key.isAdministrator || key.organisationID == actor.key.organisationID
        else {
            throw VersError(.notFound, "key not found: \(id)", hint: "list keys with: vers key list")
        }
        // Everybody may give up a key of their own.
        if key.userID != actor.key.userID { try requireManager(actor) }
        guard !key.isAdministrator || actor.key.isAdministrator else {
            throw VersError(.forbidden, "key \(id) is the administrator's: only the administrator may revoke it")
        }
        try await domain.accounts.revoke(id, at: Date())
    }

    func requireRoom(for organisation: Organisation) async throws {
        guard try await domain.accounts.keys(of: organisation.id).count < Self.maximumKeys else {
            throw VersError(
                .limitExceeded,
                "organisation '\(organisation.name)' has \(Self.maximumKeys) keys: expected fewer",
                hint: "revoke keys that nobody uses: vers key list"
            )
        }
    }

    static func validate(label: String) throws {
        guard labelLength.contains(label.utf8.count), !label.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            throw VersError(
                .invalidArgument,
                "invalid label '\(label.prefix(100).filter { !$0.isNewline })': "
                    + "expected 1 to \(labelLength.upperBound) bytes without control characters"
            )
        }
    }

    /// The user whom a new key is for.
    private func holder(_ email: String?, in organisation: Organisation, for actor: Actor) async throws -> UserID {
        let members = try await domain.accounts.members(of: organisation.id)
        guard let email else {
            // The administrator need not be a member of every organisation, its owner is as good.
            if members.contains(where: { $0.userID == actor.key.userID }) { return actor.key.userID }
            if let owner = members.max(by: { $0.role < $1.role }) { return owner.userID }
            throw VersError(
                .invalidArgument,
                "organisation '\(organisation.name)' has no members: expected somebody for the key to belong to",
                hint: "add somebody: vers org add \(organisation.name) EMAIL"
            )
        }
        let address = try EmailAddress.normalised(email)
        let user = try await domain.accounts.user(email: address)
        guard let user, members.contains(where: { $0.userID == user.id }) else {
            throw VersError(
                .notFound,
                "user not found: '\(address)' is no member of organisation '\(organisation.name)'",
                hint: "add the user: vers org add \(organisation.name) \(address)"
            )
        }
        guard actor.key.isAdministrator || user.id == actor.key.userID else {
            throw VersError(.forbidden, "only the administrator may create keys for others")
        }
        return user.id
    }
}
