public import VersAPI

extension MachineService {
    /// Who may connect to a VM's ports, whosever it is: for the front door, which lets in whom it may.
    /// - Returns: nil when there is no such VM, or none any more.
    public func reach(of id: MachineID) async throws -> MachineReach? {
        guard let machine = try await domain.metadata.machine(id), machine.deletedAt == nil else { return nil }
        return MachineReach(organisationID: machine.organisationID, isPrivate: machine.isPrivate)
    }
}
