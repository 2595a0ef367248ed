public import Foundation
public import VersAPI

/// What VMs, commits, keys and everything else belong to.
public struct Organisation: Sendable, Equatable, Codable, Identifiable {
    public let id: OrganisationID
    public var name: String
    public let createdAt: Date
    /// Its name is free again then, and nothing is in it.
    public var deletedAt: Date?

    public init(id: OrganisationID = OrganisationID(), name: String, createdAt: Date = Date(), deletedAt: Date? = nil) {
        self.id = id
        self.name = name
        self.createdAt = createdAt
        self.deletedAt = deletedAt
    }
}

/// A person, or a program with an address of its own. Addresses are compared in lower case.
public struct User: Sendable, Equatable, Codable, Identifiable {
    public let id: UserID
    public var name: String
    public var email: String
    public let createdAt: Date

    public init(id: UserID = UserID(), name: String, email: String, createdAt: Date = Date()) {
        self.id = id
        self.name = name
        self.email = email
        self.createdAt = createdAt
    }

    /// A user who is called what stands before the address's `@`.
    public init(email: String) {
        self.init(name: String(email.prefix { $0 != "@" }), email: email)
    }
}

/// A user's place in an organisation.
public struct Membership: Sendable, Equatable, Codable {
    public var organisationID: OrganisationID
    public var userID: UserID
    public var role: Role

    public init(organisationID: OrganisationID, userID: UserID, role: Role) {
        self.organisationID = organisationID
        self.userID = userID
        self.role = role
    }
}
