import Foundation
public import VersAPI

extension VersClient {
    /// The DNS names that are bound to the organisation's VMs, or to one of them.
    public func domainNames(of machine: MachineID? = nil) async throws -> [DomainNameInfo] {
        let query = machine.map { [URLQueryItem(name: "vm_id", value: $0.text)] } ?? []
        return try await transport.value([DomainNameInfo].self, RequestPlan(.get, "/domains", query: query))
    }

    public func domainName(_ id: DomainID) async throws -> DomainNameInfo {
        try await transport.value(DomainNameInfo.self, RequestPlan(.get, "/domains/\(id)"))
    }

    /// Binds a DNS name to a VM.
    /// - Throws: `.alreadyExists` when the name is bound already.
    public func createDomainName(_ name: String, for machine: MachineID) async throws -> DomainNameInfo {
        let body = DomainNameCreateRequest(domain: name, vm_id: machine)
        return try await transport.value(DomainNameInfo.self, try RequestPlan(.post, "/domains", json: body))
    }

    public func deleteDomainName(_ id: DomainID) async throws {
        try await transport.perform(RequestPlan(.delete, "/domains/\(id)"))
    }
}
