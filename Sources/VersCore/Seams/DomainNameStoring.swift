public import VersAPI

/// DNS names bound to VMs. A call is one transaction; a VM's names go in the transaction that deletes it.
public protocol DomainNameStoring: Sendable {
    /// - Throws: `.alreadyExists` when the name is bound; `.notFound` when the VM is deleted.
    func insert(_ domainName: DomainName) async throws
    func domainName(_ id: DomainID) async throws -> DomainName?
    /// By the name itself, whoever owns it.
    func domainName(called name: String) async throws -> DomainName?
    /// Sorted by name; of one VM when it is given.
    func domainNames(of organisation: OrganisationID, machine: MachineID?) async throws -> [DomainName]
    /// - Returns: whether there was such a name.
    func deleteDomainName(_ id: DomainID, of organisation: OrganisationID) async throws -> Bool
}

/// Everything that gives things names.
public typealias NameStoring = TagStoring & RepositoryStoring & EnvironmentStoring & DomainNameStoring
