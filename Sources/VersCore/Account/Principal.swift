public import VersAPI

/// Whoever a request acts for. Made from an API key by ``KeyService/authenticate(_:)``; the domain trusts it.
public struct Principal: Sendable, Hashable {
    /// The key that was shown, and the `owner_id` of what the request creates.
    public var keyID: KeyID
    /// What the principal sees is what belongs to this organisation, and what is public.
    public var organisationID: OrganisationID

    public init(keyID: KeyID, organisationID: OrganisationID) {
        self.keyID = keyID
        self.organisationID = organisationID
    }

    /// Whoever owns what belongs to nobody, such as boot commits: no key stands for it.
    static var nobody: Principal { Principal(keyID: KeyID(), organisationID: .nobody) }
}
