public import Foundation
public import VersAPI

/// Everything that is recorded of an API key. The key itself is not: only a hash of its secret half.
public struct APIKey: Sendable, Equatable, Codable, Identifiable {
    public let id: KeyID
    public let organisationID: OrganisationID
    public let userID: UserID
    public var label: String
    public let secretHash: Data
    public let createdAt: Date
    public var expiresAt: Date?
    /// The row stays: VMs and commits name the key that made them.
    public var revokedAt: Date?
    /// Of one VM.
    public var maximumMemoryMiB: Int?
    /// Of one VM.
    public var maximumVCPUCount: Int?
    /// VMs that the key made and that exist.
    public var maximumMachines: Int?
    /// Whether it manages the organisations, users, keys and registrations of the whole instance.
    public let isAdministrator: Bool

    public init(
        id: KeyID,
        organisationID: OrganisationID,
        userID: UserID,
        label: String,
        secretHash: Data,
        createdAt: Date,
        expiresAt: Date? = nil,
        revokedAt: Date? = nil,
        limits: KeyLimits = KeyLimits(),
        isAdministrator: Bool = false
    ) {
        self.id = id
        self.organisationID = organisationID
        self.userID = userID
        self.label = label
        self.secretHash = secretHash
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.revokedAt = revokedAt
        maximumMemoryMiB = limits.memoryMiB
        maximumVCPUCount = limits.vcpuCount
        maximumMachines = limits.machines
        self.isAdministrator = isAdministrator
    }

    public var limits: KeyLimits {
        KeyLimits(memoryMiB: maximumMemoryMiB, vcpuCount: maximumVCPUCount, machines: maximumMachines)
    }

    var info: KeyInfo {
        KeyInfo(
            key_id: id,
            label: label,
            org_id: organisationID,
            user_id: userID,
            created_at: createdAt,
            expires_at: expiresAt,
            max_memory_mib: maximumMemoryMiB,
            max_vcpus: maximumVCPUCount,
            max_vms: maximumMachines,
            is_administrator: isAdministrator
        )
    }
}

/// What a key may make; nil is without limit.
public struct KeyLimits: Sendable, Equatable {
    public var memoryMiB: Int?
    public var vcpuCount: Int?
    public var machines: Int?

    public init(memoryMiB: Int? = nil, vcpuCount: Int? = nil, machines: Int? = nil) {
        self.memoryMiB = memoryMiB
        self.vcpuCount = vcpuCount
        self.machines = machines
    }

    /// These limits, where `other` has none or wider ones: no key can make one that may do more than itself.
    func narrowed(by other: KeyLimits) -> KeyLimits {
        func least(_ lhs: Int?, _ rhs: Int?) -> Int? { [lhs, rhs].compactMap(\.self).min() }
        return KeyLimits(
            memoryMiB: least(memoryMiB, other.memoryMiB),
            vcpuCount: least(vcpuCount, other.vcpuCount),
            machines: least(machines, other.machines)
        )
    }

    /// - Throws: `.invalidArgument` naming the limit that no VM could keep.
    func validate() throws {
        if let memoryMiB {
            try Validation.value(memoryMiB, of: "max_memory_mib", in: DomainConfiguration.memoryMiBRange)
        }
        if let vcpuCount { try Validation.value(vcpuCount, of: "max_vcpus", in: DomainConfiguration.vcpuCountRange) }
        if let machines { try Validation.value(machines, of: "max_vms", in: 0...1_000_000) }
    }

    /// Whether a VM of that size may be made or started.
    /// - Throws: `.limitExceeded` naming the limit.
    func admit(memoryMiB size: Int, vcpuCount count: Int) throws {
        if let memoryMiB, size > memoryMiB {
            throw VersError(
                .limitExceeded,
                "a vm of \(size) MiB is more than this key allows: expected at most \(memoryMiB) MiB",
                hint: "ask for less memory, or use another key: vers whoami shows this one's limits"
            )
        }
        if let vcpuCount, count > vcpuCount {
            throw VersError(
                .limitExceeded,
                "a vm of \(count) vCPUs is more than this key allows: expected at most \(vcpuCount)",
                hint: "ask for fewer vCPUs, or use another key: vers whoami shows this one's limits"
            )
        }
    }

    /// Whether a key that then has `total` VMs keeps its limit.
    /// - Throws: `.limitExceeded`.
    public func admit(machines total: Int) throws {
        guard let machines, total > machines else { return }
        throw VersError(
            .limitExceeded,
            "this key would have \(total) vm(s): expected at most \(machines)",
            hint: "delete VMs that you no longer need: vers status"
        )
    }
}
