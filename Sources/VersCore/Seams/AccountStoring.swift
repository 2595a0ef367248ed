public import Foundation
public import VersAPI

/// Organisations, their users and keys, in the same store as everything else. A call is one transaction.
public protocol AccountStoring: Sendable {
    // MARK: Organisations

    /// Also a deleted one.
    func organisation(_ id: OrganisationID) async throws -> Organisation?
    /// Not deleted, by name.
    func organisations() async throws -> [Organisation]
    /// `.alreadyExists` when an organisation has the name. Its first member becomes its owner.
    func insert(_ organisation: Organisation, owner: UserID?) async throws
    /// Deletes an organisation with its names and variables, and revokes its keys.
    /// - Throws: `.inUse` while VMs, commits or images are in it.
    func delete(_ organisation: OrganisationID, at date: Date) async throws

    // MARK: Users

    func user(_ id: UserID) async throws -> User?
    func user(email: String) async throws -> User?
    /// Where a user is a member, by the organisation's name.
    func memberships(of user: UserID) async throws -> [Membership]
    /// By the user's address.
    func members(of organisation: OrganisationID) async throws -> [Membership]
    /// Adds a user, who is made if there is none of that address, or changes the role.
    func setRole(_ role: Role, ofUserAt email: String, in organisation: OrganisationID) async throws -> User
    /// Ends a membership and revokes the keys that rest on it.
    /// - Returns: false when there was none.
    func endMembership(of user: UserID, in organisation: OrganisationID, at date: Date) async throws -> Bool

    // MARK: Keys

    func insert(_ key: APIKey) async throws
    /// Also a revoked one.
    func key(_ id: KeyID) async throws -> APIKey?
    /// Not revoked, the oldest first.
    func keys(of organisation: OrganisationID) async throws -> [APIKey]
    /// Does nothing to a key that is revoked already.
    /// - Throws: `.conflict` when no key of the administrator would be left.
    func revoke(_ id: KeyID, at date: Date) async throws
    /// How many VMs that a key made exist.
    func machineCount(of key: KeyID) async throws -> Int

    // MARK: Registrations

    /// Those that were made after `date`, the oldest first.
    func registrations(since date: Date) async throws -> [Registration]
    func insert(_ registration: Registration, droppingOlderThan date: Date) async throws
    /// Approves a registration; its user, who is made if need be, becomes a member.
    /// - Returns: false when there is no such registration any more.
    func approve(_ id: RegistrationID, at date: Date, as approval: RegistrationApproval) async throws -> Bool
    /// - Returns: false when there was none.
    func remove(_ id: RegistrationID) async throws -> Bool
    /// Makes a key of an approved registration, which is gone then.
    /// - Returns: false when somebody was faster.
    func insert(_ key: APIKey, consuming registration: RegistrationID) async throws -> Bool
}

/// What an approval makes, in one transaction.
public struct RegistrationApproval: Sendable {
    public var user: User
    /// An organisation of the user's own.
    public var founded: Organisation?
    public var memberships: [Membership]
    public var limits: KeyLimits

    public init(user: User, founded: Organisation? = nil, memberships: [Membership], limits: KeyLimits) {
        self.user = user
        self.founded = founded
        self.memberships = memberships
        self.limits = limits
    }
}
