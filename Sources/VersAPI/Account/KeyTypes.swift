public import Foundation

/// An API key without its secret.
public struct KeyInfo: Codable, Sendable, Equatable {
    public var key_id: KeyID
    public var label: String
    public var org_id: OrganisationID
    public var user_id: UserID
    public var created_at: Date
    public var expires_at: Date?
    /// Of one VM.
    public var max_memory_mib: Int?
    /// Of one VM.
    public var max_vcpus: Int?
    /// VMs that the key created and that exist.
    public var max_vms: Int?
    /// Whether it manages the whole instance.
    public var is_administrator: Bool

    public init(
        key_id: KeyID,
        label: String,
        org_id: OrganisationID,
        user_id: UserID,
        created_at: Date,
        expires_at: Date?,
        max_memory_mib: Int?,
        max_vcpus: Int?,
        max_vms: Int?,
        is_administrator: Bool
    ) {
        self.key_id = key_id
        self.label = label
        self.org_id = org_id
        self.user_id = user_id
        self.created_at = created_at
        self.expires_at = expires_at
        self.max_memory_mib = max_memory_mib
        self.max_vcpus = max_vcpus
        self.max_vms = max_vms
        self.is_administrator = is_administrator
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(key_id, forKey: .key_id)
        try container.encode(label, forKey: .label)
        try container.encode(org_id, forKey: .org_id)
        try container.encode(user_id, forKey: .user_id)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(expires_at, forKey: .expires_at)
        try container.encode(max_memory_mib, forKey: .max_memory_mib)
        try container.encode(max_vcpus, forKey: .max_vcpus)
        try container.encode(max_vms, forKey: .max_vms)
        try container.encode(is_administrator, forKey: .is_administrator)
    }
}

/// `GET /keys`.
public struct KeyList: Codable, Sendable, Equatable {
    public var keys: [KeyInfo]

    public init(keys: [KeyInfo]) { self.keys = keys }
}

/// `POST /keys`. What is absent is not limited, except by the limits of the key that asks.
public struct CreateKeyRequest: Codable, Sendable {
    public var label: String
    /// The caller's own when absent.
    public var org_id: OrganisationID?
    /// The caller when absent. Only an administrator may name another member of the organisation.
    public var user_email: String?
    public var expires_at: Date?
    public var max_memory_mib: Int?
    public var max_vcpus: Int?
    public var max_vms: Int?

    public init(
        label: String,
        org_id: OrganisationID? = nil,
        user_email: String? = nil,
        expires_at: Date? = nil,
        max_memory_mib: Int? = nil,
        max_vcpus: Int? = nil,
        max_vms: Int? = nil
    ) {
        self.label = label
        self.org_id = org_id
        self.user_email = user_email
        self.expires_at = expires_at
        self.max_memory_mib = max_memory_mib
        self.max_vcpus = max_vcpus
        self.max_vms = max_vms
    }
}

/// The one answer that has a key in clear.
public struct CreatedKeyResponse: Codable, Sendable, Equatable {
    public var api_key: String
    public var key: KeyInfo

    public init(api_key: String, key: KeyInfo) {
        self.api_key = api_key
        self.key = key
    }
}

/// `POST /keys/validate`.
public struct ValidateKeyResponse: Codable, Sendable, Equatable {
    public var valid: Bool
    public var message: String

    public init(valid: Bool, message: String) {
        self.valid = valid
        self.message = message
    }
}

/// `GET /whoami`.
public struct WhoAmIResponse: Codable, Sendable, Equatable {
    public struct User: Codable, Sendable, Equatable {
        public var id: UserID
        public var user_name: String
        public var email: String

        public init(id: UserID, user_name: String, email: String) {
            self.id = id
            self.user_name = user_name
            self.email = email
        }
    }

    public struct Organisation: Codable, Sendable, Equatable {
        public var id: OrganisationID
        public var name: String
        public var role: Role?

        public init(id: OrganisationID, name: String, role: Role?) {
            self.id = id
            self.name = name
            self.role = role
        }
    }

    public struct Key: Codable, Sendable, Equatable {
        public var id: KeyID
        public var label: String
        public var created_at: Date
        public var expires_at: Date?
        public var max_memory_mib: Int?
        public var max_vcpus: Int?
        public var max_vms: Int?
        public var is_administrator: Bool

        public init(_ info: KeyInfo) {
            id = info.key_id
            label = info.label
            created_at = info.created_at
            expires_at = info.expires_at
            max_memory_mib = info.max_memory_mib
            max_vcpus = info.max_vcpus
            max_vms = info.max_vms
            is_administrator = info.is_administrator
        }
    }

    public var user: User
    public var org: Organisation
    public var api_key: Key

    public init(user: User, org: Organisation, api_key: Key) {
        self.user = user
        self.org = org
        self.api_key = api_key
    }
}
