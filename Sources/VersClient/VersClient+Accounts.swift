import Foundation
public import VersAPI

extension VersClient {
    /// Whom this client's key stands for, and what it may do.
    public func whoAmI() async throws -> WhoAmIResponse {
        try await transport.value(WhoAmIResponse.self, RequestPlan(.get, "/whoami"))
    }

    // MARK: Keys

    /// The keys of an organisation, this key's own when nil.
    public func keys(of organisation: OrganisationID? = nil) async throws -> [KeyInfo] {
        let query = organisation.map { [URLQueryItem(name: "org_id", value: $0.text)] } ?? []
        return try await transport.value(KeyList.self, RequestPlan(.get, "/keys", query: query)).keys
    }

    /// The answer has the key's text, which cannot be read again.
    public func createKey(_ request: CreateKeyRequest) async throws -> CreatedKeyResponse {
        try await transport.value(CreatedKeyResponse.self, try RequestPlan(.post, "/keys", json: request))
    }

    public func revokeKey(_ id: KeyID) async throws { try await transport.perform(RequestPlan(.delete, "/keys/\(id)")) }

    // MARK: Organisations

    /// Every organisation for the administrator, for others their own.
    public func organisations() async throws -> [OrganisationInfo] {
        try await transport.value(OrganisationList.self, RequestPlan(.get, "/orgs")).orgs
    }

    public func createOrganisation(named name: String) async throws -> OrganisationInfo {
        let plan = try RequestPlan(.post, "/orgs", json: CreateOrganisationRequest(name: name))
        return try await transport.value(OrganisationInfo.self, plan)
    }

    /// - Throws: `.inUse` while it has VMs or commits.
    public func deleteOrganisation(_ id: OrganisationID) async throws {
        try await transport.perform(RequestPlan(.delete, "/orgs/\(id)"))
    }

    public func members(of id: OrganisationID) async throws -> [MemberInfo] {
        try await transport.value(MemberList.self, RequestPlan(.get, "/orgs/\(id)/members")).members
    }

    /// Adds a user, or changes its role.
    public func setMember(_ email: String, role: Role, of id: OrganisationID) async throws -> MemberInfo {
        let body = SetMemberRequest(email: email, role: role)
        return try await transport.value(MemberInfo.self, try RequestPlan(.put, "/orgs/\(id)/members", json: body))
    }

    /// Revokes the user's keys of that organisation too.
    public func removeMember(_ user: UserID, of id: OrganisationID) async throws {
        try await transport.perform(RequestPlan(.delete, "/orgs/\(id)/members/\(user)"))
    }

    // MARK: Registrations

    /// Those that wait for the administrator.
    public func registrations() async throws -> [RegistrationInfo] {
        try await transport.value(RegistrationList.self, RequestPlan(.get, "/registrations")).registrations
    }

    public func approveRegistration(
        _ id: RegistrationID,
        _ request: ApproveRegistrationRequest = ApproveRegistrationRequest()
    ) async throws {
        try await transport.perform(try RequestPlan(.post, "/registrations/\(id)/approve", json: request))
    }

    public func rejectRegistration(_ id: RegistrationID) async throws {
        try await transport.perform(RequestPlan(.delete, "/registrations/\(id)"))
    }

    // MARK: Signing up, without a key

    public func startRegistration(_ request: ShellAuthRequest) async throws -> ShellAuthResponse {
        try await transport.value(ShellAuthResponse.self, try Self.shellAuth("", request))
    }

    /// - Throws: `.unauthenticated` while the registration waits.
    public func verifyRegistration(_ request: VerifyKeyRequest) async throws -> VerifyKeyResponse {
        try await transport.value(VerifyKeyResponse.self, try Self.shellAuth("/verify-key", request))
    }

    public func createKey(_ request: ShellAuthKeyRequest) async throws -> ShellAuthKeyResponse {
        try await transport.value(ShellAuthKeyResponse.self, try Self.shellAuth("/api-keys", request))
    }

    private static func shellAuth(_ path: String, _ body: some Encodable) throws -> RequestPlan {
        var plan = try RequestPlan(.post, "/api/shell-auth" + path, json: body)
        plan.isAtRoot = true
        return plan
    }
}
