public import VersAPI

/// What decides who may connect to a VM's ports.
public struct MachineReach: Sendable, Hashable {
    public var organisationID: OrganisationID
    /// Whether its ports need a link or a key. SSH has a key of its own.
    public var isPrivate: Bool

    public init(organisationID: OrganisationID, isPrivate: Bool) {
        self.organisationID = organisationID
        self.isPrivate = isPrivate
    }
}
