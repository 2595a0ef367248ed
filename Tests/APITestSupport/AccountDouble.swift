public import VersAPI
public import VersCore
public import VersServer

/// Accounts at the API's border for tests that have none: everything is unsupported.
public struct AccountDouble: AccountOperations {
    public init() {}

    private static var none: VersError { VersError(.unsupported, "this test has no accounts") }

    public func whoAmI(_ principal: Principal) async throws -> WhoAmIResponse { throw Self.none }

    public func listKeys(of organisation: OrganisationID?, for principal: Principal) async throws -> KeyList {
        throw Self.none
    }

    public func createKey(_ request: CreateKeyRequest, for principal: Principal) async throws -> CreatedKeyResponse {
        throw Self.none
    }

    public func revokeKey(_ id: KeyID, for principal: Principal) async throws { throw Self.none }

    public func listOrganisations(for principal: Principal) async throws -> OrganisationList { throw Self.none }

    public func createOrganisation(
        _ request: CreateOrganisationRequest,
        for principal: Principal
    ) async throws -> OrganisationInfo { throw Self.none }

    public func organisation(_ id: OrganisationID, for principal: Principal) async throws -> OrganisationInfo {
        throw Self.none
    }

    public func deleteOrganisation(_ id: OrganisationID, for principal: Principal) async throws { throw Self.none }

    public func listMembers(of id: OrganisationID, for principal: Principal) async throws -> MemberList {
        throw Self.none
    }

    public func setMember(
        of id: OrganisationID,
        _ request: SetMemberRequest,
        for principal: Principal
    ) async throws -> MemberInfo { throw Self.none }

    public func removeMember(_ user: UserID, of id: OrganisationID, for principal: Principal) async throws {
        throw Self.none
    }

    public func listRegistrations(for principal: Principal) async throws -> RegistrationList { throw Self.none }

    public func approveRegistration(
        _ id: RegistrationID,
        _ request: ApproveRegistrationRequest,
        for principal: Principal
    ) async throws { throw Self.none }

    public func rejectRegistration(_ id: RegistrationID, for principal: Principal) async throws { throw Self.none }

    public func startRegistration(_ request: ShellAuthRequest) async throws -> ShellAuthResponse { throw Self.none }

    public func verifyRegistration(_ request: VerifyKeyRequest) async throws -> VerifyKeyResponse { throw Self.none }

    public func createKey(_ request: ShellAuthKeyRequest) async throws -> ShellAuthKeyResponse { throw Self.none }
}
