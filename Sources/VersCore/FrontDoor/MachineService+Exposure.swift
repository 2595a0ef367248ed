public import VersAPI

extension MachineService {
    public func exposure(of id: MachineID, for principal: Principal) async throws -> Exposure {
        Exposure(is_private: try await record(id, for: principal).isPrivate)
    }

    /// Connections that are open stay open.
    public func setExposure(_ exposure: Exposure, of id: MachineID, for principal: Principal) async throws {
        _ = try await record(id, for: principal)
        try await domain.metadata.update(id) { $0.isPrivate = exposure.is_private }
    }
}
