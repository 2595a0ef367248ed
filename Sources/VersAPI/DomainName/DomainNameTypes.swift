public import Foundation

/// A DNS name that is bound to a VM.
public struct DomainNameInfo: Codable, Sendable, Equatable {
    public var domain_id: DomainID
    /// In lower case, without a dot at its end.
    public var domain: String
    public var vm_id: MachineID
    public var created_at: Date

    public init(domain_id: DomainID, domain: String, vm_id: MachineID, created_at: Date) {
        self.domain_id = domain_id
        self.domain = domain
        self.vm_id = vm_id
        self.created_at = created_at
    }
}

/// `POST /domains`.
public struct DomainNameCreateRequest: Codable, Sendable {
    public var domain: String
    public var vm_id: MachineID

    public init(domain: String, vm_id: MachineID) {
        self.domain = domain
        self.vm_id = vm_id
    }
}

/// The answer of `DELETE /domains/{id}`.
public struct DomainNameDeleteResponse: Codable, Sendable, Equatable {
    public var domain_id: DomainID

    public init(domain_id: DomainID) { self.domain_id = domain_id }
}
