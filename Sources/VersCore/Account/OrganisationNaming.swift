public import VersAPI

/// What organisations are called: the first part of `org/repo:tag`.
public protocol OrganisationNaming: Sendable {
    /// Nil when there is no such organisation.
    func name(of id: OrganisationID) async throws -> String?
    /// Nil when no organisation is called that.
    func organisation(named name: String) async throws -> OrganisationID?
}

/// An instance with one organisation, its owner's.
public struct OwnerOrganisationNaming: OrganisationNaming {
    public static let name = "owner"

    public init() {}

    public func name(of id: OrganisationID) async throws -> String? { id == .owner ? Self.name : nil }

    public func organisation(named name: String) async throws -> OrganisationID? { name == Self.name ? .owner : nil }
}
