public import VersAPI
public import VersCore

/// What the routes ask of the domain about organisations, users and keys. ``AccountService`` is the implementation;
/// tests bring their own.
public protocol AccountOperations: Sendable {
    func whoAmI(_ principal: Principal) async throws -> WhoAmIResponse

    func listKeys(of organisation: OrganisationID?, for principal: Principal) async throws -> KeyList
    func createKey(_ request: CreateKeyRequest, for principal: Principal) async throws -> CreatedKeyResponse
    func revokeKey(_ id: KeyID, for principal: Principal) async throws

    func listOrganisations(for principal: Principal) async throws -> OrganisationList
    func createOrganisation(
        _ request: CreateOrganisationRequest,
        for principal: Principal
    ) async throws -> OrganisationInfo
    func organisation(_ id: OrganisationID, for principal: Principal) async throws -> OrganisationInfo
    func deleteOrganisation(_ id: OrganisationID, for principal: Principal) async throws
    func listMembers(of id: OrganisationID, for principal: Principal) async throws -> MemberList
    func setMember(
        of id: OrganisationID,
        _ request: SetMemberRequest,
        for principal: Principal
    ) async throws -> MemberInfo
    func removeMember(_ user: UserID, of id: OrganisationID, for principal: Principal) async throws

    func listRegistrations(for principal: Principal) async throws -> RegistrationList
    func approveRegistration(
        _ id: RegistrationID,
        _ request: ApproveRegistrationRequest,
        for principal: Principal
    ) async throws
    func rejectRegistration(_ id: RegistrationID, for principal: Principal) async throws

    func startRegistration(_ request: ShellAuthRequest) async throws -> ShellAuthResponse
    func verifyRegistration(_ request: VerifyKeyRequest) async throws -> VerifyKeyResponse
    func createKey(_ request: ShellAuthKeyRequest) async throws -> ShellAuthKeyResponse
}

extension AccountService: AccountOperations {}
