public import Foundation

/// `POST /api/shell-auth`: somebody wants to sign up or in from a shell.
public struct ShellAuthRequest: Codable, Sendable {
    public var email: String
    public var ssh_public_key: String
    /// Ours: whether the later calls carry the answer's `nonce`. Only who started the registration can use its
    /// approval then; an address and a public key are no secrets.
    public var bind_nonce: Bool?

    public init(email: String, ssh_public_key: String, bind_nonce: Bool? = nil) {
        self.email = email
        self.ssh_public_key = ssh_public_key
        self.bind_nonce = bind_nonce
    }
}

public struct ShellAuthResponse: Codable, Sendable, Equatable {
    public var success: Bool
    public var user_id: UserID
    public var email: String
    public var is_new_user: Bool
    public var nonce: String
    public var ssh_public_key: String
    /// Whether the administrator has approved this address with this key, and no key was made of it yet.
    public var already_verified: Bool
    /// Ours: what the administrator approves.
    public var registration_id: RegistrationID

    public init(
        user_id: UserID,
        email: String,
        is_new_user: Bool,
        nonce: String,
        ssh_public_key: String,
        already_verified: Bool,
        registration_id: RegistrationID
    ) {
        success = true
        self.user_id = user_id
        self.email = email
        self.is_new_user = is_new_user
        self.nonce = nonce
        self.ssh_public_key = ssh_public_key
        self.already_verified = already_verified
        self.registration_id = registration_id
    }
}

/// `POST /api/shell-auth/verify-key` and `POST /api/shell-auth/verify-public-key`.
public struct VerifyKeyRequest: Codable, Sendable {
    public var email: String
    public var ssh_public_key: String
    public var nonce: String?

    public init(email: String, ssh_public_key: String, nonce: String? = nil) {
        self.email = email
        self.ssh_public_key = ssh_public_key
        self.nonce = nonce
    }
}

public struct VerifyKeyResponse: Codable, Sendable, Equatable {
    public struct Organisation: Codable, Sendable, Equatable {
        public var org_id: OrganisationID
        public var name: String
        public var role: Role

        public init(org_id: OrganisationID, name: String, role: Role) {
            self.org_id = org_id
            self.name = name
            self.role = role
        }
    }

    public var verified: Bool
    public var is_active: Bool
    public var user_id: UserID
    public var key_id: RegistrationID
    public var orgs: [Organisation]

    public init(user_id: UserID, key_id: RegistrationID, orgs: [Organisation]) {
        verified = true
        is_active = true
        self.user_id = user_id
        self.key_id = key_id
        self.orgs = orgs
    }
}

/// `POST /api/shell-auth/api-keys`.
public struct ShellAuthKeyRequest: Codable, Sendable {
    public var email: String
    public var ssh_public_key: String
    public var label: String
    /// Needed when the user is in several organisations.
    public var org_name: String?
    public var nonce: String?

    public init(
        email: String,
        ssh_public_key: String,
        label: String,
        org_name: String? = nil,
        nonce: String? = nil
    ) {
        self.email = email
        self.ssh_public_key = ssh_public_key
        self.label = label
        self.org_name = org_name
        self.nonce = nonce
    }
}

public struct ShellAuthKeyResponse: Codable, Sendable, Equatable {
    public var success: Bool
    public var api_key: String
    public var api_key_id: KeyID
    public var org_id: OrganisationID
    public var org_name: String

    public init(api_key: String, api_key_id: KeyID, org_id: OrganisationID, org_name: String) {
        success = true
        self.api_key = api_key
        self.api_key_id = api_key_id
        self.org_id = org_id
        self.org_name = org_name
    }
}

/// A registration that waits for the administrator.
public struct RegistrationInfo: Codable, Sendable, Equatable {
    public var registration_id: RegistrationID
    public var email: String
    public var ssh_public_key: String
    public var is_new_user: Bool
    public var created_at: Date
    public var expires_at: Date

    public init(
        registration_id: RegistrationID,
        email: String,
        ssh_public_key: String,
        is_new_user: Bool,
        created_at: Date,
        expires_at: Date
    ) {
        self.registration_id = registration_id
        self.email = email
        self.ssh_public_key = ssh_public_key
        self.is_new_user = is_new_user
        self.created_at = created_at
        self.expires_at = expires_at
    }
}

/// `GET /registrations`.
public struct RegistrationList: Codable, Sendable, Equatable {
    public var registrations: [RegistrationInfo]

    public init(registrations: [RegistrationInfo]) { self.registrations = registrations }
}

/// `POST /registrations/{registration_id}/approve`.
public struct ApproveRegistrationRequest: Codable, Sendable {
    /// The organisation that the user joins as a member. Absent: one of its own, unless it is in one already.
    public var org_id: OrganisationID?
    /// Limits of the key that is made of the approval, as in ``CreateKeyRequest``.
    public var max_memory_mib: Int?
    public var max_vcpus: Int?
    public var max_vms: Int?

    public init(
        org_id: OrganisationID? = nil,
        max_memory_mib: Int? = nil,
        max_vcpus: Int? = nil,
        max_vms: Int? = nil
    ) {
        self.org_id = org_id
        self.max_memory_mib = max_memory_mib
        self.max_vcpus = max_vcpus
        self.max_vms = max_vms
    }
}
