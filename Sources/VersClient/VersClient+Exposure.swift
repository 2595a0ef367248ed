public import VersAPI

extension VersClient {
    /// Who may connect to a VM's ports.
    public func exposure(of machine: MachineID) async throws -> Exposure {
        try await transport.value(Exposure.self, RequestPlan(.get, "/vm/\(machine)/exposure"))
    }

    /// Connections that are open stay open.
    @discardableResult
    public func setExposure(_ exposure: Exposure, of machine: MachineID) async throws -> Exposure {
        try await transport.value(Exposure.self, try RequestPlan(.patch, "/vm/\(machine)/exposure", json: exposure))
    }

    /// A link to a port of a private VM, for whoever has it.
    public func createLink(to machine: MachineID, _ request: LinkRequest) async throws -> LinkResponse {
        try await transport.value(LinkResponse.self, try RequestPlan(.post, "/vm/\(machine)/link", json: request))
    }
}
