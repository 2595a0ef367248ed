public import Foundation

/// What a user may do in an organisation. Each may do what the one before it may.
public enum Role: String, Codable, Sendable, CaseIterable, Comparable {
    /// Uses the organisation's VMs and commits.
    case member
    /// Manages its keys.
    case admin
    case owner

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rank < rhs.rank }

    private var rank: Int {
        switch self {
        case .member: 0
        case .admin: 1
        case .owner: 2
        }
    }
}

/// An organisation. `role` is the caller's own in it; null when it has none.
public struct OrganisationInfo: Codable, Sendable, Equatable {
    public var org_id: OrganisationID
    public var name: String
    public var created_at: Date
    public var role: Role?

    public init(org_id: OrganisationID, name: String, created_at: Date, role: Role?) {
        self.org_id = org_id
        self.name = name
        self.created_at = created_at
        self.role = role
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(org_id, forKey: .org_id)
        try container.encode(name, forKey: .name)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(role, forKey: .role)
    }
}

/// `GET /orgs`.
public struct OrganisationList: Codable, Sendable, Equatable {
    public var orgs: [OrganisationInfo]

    public init(orgs: [OrganisationInfo]) { self.orgs = orgs }
}

/// `POST /orgs`.
public struct CreateOrganisationRequest: Codable, Sendable {
    public var name: String

    public init(name: String) { self.name = name }
}

/// A user in an organisation.
public struct MemberInfo: Codable, Sendable, Equatable {
    public var user_id: UserID
    public var user_name: String
    public var email: String
    public var role: Role

    public init(user_id: UserID, user_name: String, email: String, role: Role) {
        self.user_id = user_id
        self.user_name = user_name
        self.email = email
        self.role = role
    }
}

/// `GET /orgs/{org_id}/members`.
public struct MemberList: Codable, Sendable, Equatable {
    public var members: [MemberInfo]

    public init(members: [MemberInfo]) { self.members = members }
}

/// `PUT /orgs/{org_id}/members`: adds a user, whom it makes when there is none of that address, or changes its role.
public struct SetMemberRequest: Codable, Sendable {
    public var email: String
    public var role: Role

    public init(email: String, role: Role) {
        self.email = email
        self.role = role
    }
}
