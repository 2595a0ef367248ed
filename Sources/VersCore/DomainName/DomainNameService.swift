import Foundation
public import VersAPI

/// DNS names bound to VMs.
public final class DomainNameService: Sendable {
    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    /// - Throws: `.alreadyExists` when the name is bound already, to whomever's VM; `.notFound` (the VM).
    public func create(_ request: DomainNameCreateRequest, for principal: Principal) async throws -> DomainNameInfo {
        guard let name = HostName.canonical(request.domain) else {
            throw VersError(
                .invalidArgument,
                "invalid domain '\(request.domain.prefix(80))': expected a DNS name such as 'app.example.com'"
            )
        }
        let reserved = "vm.\(domain.configuration.domain)"
        guard name != reserved, !name.hasSuffix(".\(reserved)") else {
            throw VersError(
                .invalidArgument,
                "invalid domain '\(name)': names below '\(reserved)' are those that VMs have by themselves"
            )
        }
        let machine = try await Access(domain: domain).machine(request.vm_id, ownedBy: principal)
        let domainName = DomainName(
            organisationID: principal.organisationID,
            name: name,
            machineID: machine.id,
            createdAt: Date()
        )
        try await domain.names.insert(domainName)
        // As it is kept: times are rounded.
        return try await info(of: domainName.id, for: principal)
    }

    /// - Parameter machine: only the names of this VM. One that does not exist has none.
    public func list(of machine: MachineID?, for principal: Principal) async throws -> [DomainNameInfo] {
        try await domain.names.domainNames(of: principal.organisationID, machine: machine).map(\.info)
    }

    public func info(of id: DomainID, for principal: Principal) async throws -> DomainNameInfo {
        guard let domainName = try await domain.names.domainName(id),
            domainName.organisationID == principal.organisationID
        else { throw Self.notFound(id) }
        return domainName.info
    }

    public func delete(_ id: DomainID, for principal: Principal) async throws {
        guard try await domain.names.deleteDomainName(id, of: principal.organisationID) else {
            throw Self.notFound(id)
        }
    }

    /// The VM to which whoever connects to `host` wants; nil when the name is bound to none.
    public func machine(boundTo host: String) async throws -> MachineID? {
        guard let name = HostName.canonical(host) else { return nil }
        return try await domain.names.domainName(called: name)?.machineID
    }

    private static func notFound(_ id: DomainID) -> VersError {
        VersError(.notFound, "domain not found: \(id)", hint: "list domains with: vers domain list")
    }
}
