public import Foundation

/// A VM in lists and in `GET /vm/{id}/status`.
///
/// The first five fields are the public API's; the rest is ours, so that a list is enough to draw the tree.
public struct MachineSummary: Codable, Sendable, Equatable {
    public var vm_id: MachineID
    public var owner_id: KeyID
    public var state: MachineState
    public var created_at: Date
    public var labels: [String: String]?
    /// The VM this one was branched from; null for a root.
    public var parent_vm_id: MachineID?
    /// The commit this one was started from; null for a root.
    public var parent_commit_id: CommitID?
    public var mem_size_mib: Int
    public var vcpu_count: Int
    public var fs_size_mib: Int
    /// Why the VM is `dead` or `stopped`, when that is known.
    public var state_reason: String?

    public init(
        vm_id: MachineID,
        owner_id: KeyID,
        state: MachineState,
        created_at: Date,
        labels: [String: String]?,
        parent_vm_id: MachineID?,
        parent_commit_id: CommitID?,
        mem_size_mib: Int,
        vcpu_count: Int,
        fs_size_mib: Int,
        state_reason: String?
    ) {
        self.vm_id = vm_id
        self.owner_id = owner_id
        self.state = state
        self.created_at = created_at
        self.labels = labels
        self.parent_vm_id = parent_vm_id
        self.parent_commit_id = parent_commit_id
        self.mem_size_mib = mem_size_mib
        self.vcpu_count = vcpu_count
        self.fs_size_mib = fs_size_mib
        self.state_reason = state_reason
    }
}

/// `GET /vm/{id}/metadata`: everything about a VM, also a deleted one.
public struct MachineMetadata: Codable, Sendable, Equatable {
    public var vm_id: MachineID
    public var owner_id: KeyID
    public var state: MachineState
    public var created_at: Date
    public var deleted_at: Date?
    /// The address in the private network of its tree, or inside its own network.
    public var ip: String
    /// The public name, `{vm-id}.vm.<domain>`.
    public var hostname: String
    public var parent_commit_id: CommitID?
    /// The VM that `parent_commit_id` was taken from: the parent, in the command line's words.
    public var grandparent_vm_id: MachineID?
    public var mem_size_mib: Int
    public var vcpu_count: Int
    public var fs_size_mib: Int
    public var image_name: String
    public var labels: [String: String]?
    /// `kvm` or `tcg`.
    public var accelerator: String
    /// Why that accelerator is in use.
    public var accelerator_reason: String
    public var state_reason: String?
    public var network: MachineNetworkInfo?
    /// Whether a connection lets the VM run when it is paused or asleep.
    public var wake_on_traffic: Bool
    /// Seconds without a connection after which a VM rests again that a connection has woken: its own, or the server's.
    public var idle_timeout_secs: Int
    /// Whether its ports, but for SSH, need a link or a key.
    public var is_private: Bool

    public init(
        vm_id: MachineID,
        owner_id: KeyID,
        state: MachineState,
        created_at: Date,
        deleted_at: Date?,
        ip: String,
        hostname: String,
        parent_commit_id: CommitID?,
        grandparent_vm_id: MachineID?,
        mem_size_mib: Int,
        vcpu_count: Int,
        fs_size_mib: Int,
        image_name: String,
        labels: [String: String]?,
        accelerator: String,
        accelerator_reason: String,
        state_reason: String?,
        network: MachineNetworkInfo? = nil,
        wake_on_traffic: Bool = false,
        idle_timeout_secs: Int,
        is_private: Bool = false
    ) {
        self.vm_id = vm_id
        self.owner_id = owner_id
        self.state = state
        self.created_at = created_at
        self.deleted_at = deleted_at
        self.ip = ip
        self.hostname = hostname
        self.parent_commit_id = parent_commit_id
        self.grandparent_vm_id = grandparent_vm_id
        self.mem_size_mib = mem_size_mib
        self.vcpu_count = vcpu_count
        self.fs_size_mib = fs_size_mib
        self.image_name = image_name
        self.labels = labels
        self.accelerator = accelerator
        self.accelerator_reason = accelerator_reason
        self.state_reason = state_reason
        self.network = network
        self.wake_on_traffic = wake_on_traffic
        self.idle_timeout_secs = idle_timeout_secs
        self.is_private = is_private
    }
}

/// What a new root VM should be; every field absent means its default.
public struct MachineConfiguration: Codable, Sendable, Equatable {
    public static let defaultMemoryMiB = 512
    public static let defaultVCPUCount = 1
    public static let defaultDiskMiB = 1024
    public static let defaultImageName = "default"
    public static let defaultKernelName = "default.bin"

    public var mem_size_mib: Int?
    public var vcpu_count: Int?
    public var fs_size_mib: Int?
    public var image_name: String?
    public var kernel_name: String?
    public var labels: [String: String]?
    public var network: NetworkConfiguration?
    /// Whether its ports, but for SSH, need a link or a key.
    public var is_private: Bool?
    public var wake_on_traffic: Bool?
    /// Seconds without a connection after which it rests again when one has woken it; absent means the server's.
    public var idle_timeout_secs: Int?
    /// Environment variables, over those of the organisation. The VM's children have them too.
    public var env: [String: String]?

    public init(
        mem_size_mib: Int? = nil,
        vcpu_count: Int? = nil,
        fs_size_mib: Int? = nil,
        image_name: String? = nil,
        kernel_name: String? = nil,
        labels: [String: String]? = nil,
        network: NetworkConfiguration? = nil,
        is_private: Bool? = nil,
        wake_on_traffic: Bool? = nil,
        idle_timeout_secs: Int? = nil,
        env: [String: String]? = nil
    ) {
        self.is_private = is_private
        self.env = env
        self.mem_size_mib = mem_size_mib
        self.vcpu_count = vcpu_count
        self.fs_size_mib = fs_size_mib
        self.image_name = image_name
        self.kernel_name = kernel_name
        self.labels = labels
        self.network = network
        self.wake_on_traffic = wake_on_traffic
        self.idle_timeout_secs = idle_timeout_secs
    }
}

/// `POST /vm/new_root`.
public struct NewRootRequest: Codable, Sendable {
    public var vm_config: MachineConfiguration

    public init(vm_config: MachineConfiguration) { self.vm_config = vm_config }
}

/// `POST /vm/from_commit`: exactly one of the first three.
public struct FromCommitRequest: Codable, Sendable {
    public var commit_id: String?
    public var tag_name: String?
    public var ref: String?
    /// Absent: as the VM had that the commit was taken from.
    public var network: NetworkConfiguration?

    public init(
        commit_id: String? = nil,
        tag_name: String? = nil,
        ref: String? = nil,
        network: NetworkConfiguration? = nil
    ) {
        self.commit_id = commit_id
        self.tag_name = tag_name
        self.ref = ref
        self.network = network
    }
}

public struct NewMachineResponse: Codable, Sendable, Equatable {
    public var vm_id: MachineID

    public init(vm_id: MachineID) { self.vm_id = vm_id }
}

public struct NewMachinesResponse: Codable, Sendable, Equatable {
    public var vms: [NewMachineResponse]

    public init(vms: [NewMachineResponse]) { self.vms = vms }
}

/// `PATCH /vm/{id}/state`.
public struct StateRequest: Codable, Sendable {
    public var state: RequestedState

    public init(state: RequestedState) { self.state = state }
}

/// `PATCH /vm/{id}/disk`.
public struct DiskRequest: Codable, Sendable {
    public var fs_size_mib: Int

    public init(fs_size_mib: Int) { self.fs_size_mib = fs_size_mib }
}

/// `PATCH /vm/{id}/wake`.
public struct WakeRequest: Codable, Sendable {
    public var wake_on_traffic: Bool
    /// Absent: as it is.
    public var idle_timeout_secs: Int?

    public init(wake_on_traffic: Bool, idle_timeout_secs: Int? = nil) {
        self.wake_on_traffic = wake_on_traffic
        self.idle_timeout_secs = idle_timeout_secs
    }
}

/// `PATCH /vm/{id}/label`.
public struct LabelRequest: Codable, Sendable {
    public var labels: [String: String]?

    public init(labels: [String: String]?) { self.labels = labels }
}

/// `GET /vm/{id}/ssh_key`.
public struct SSHKeyResponse: Codable, Sendable {
    /// In OpenSSH's PEM format.
    public var ssh_private_key: String
    public var ssh_port: Int
    /// Ours: the public key that the VM's SSH server shows, as type and base64. It changes as little as the other.
    public var ssh_host_key: String?

    public init(ssh_private_key: String, ssh_port: Int, ssh_host_key: String? = nil) {
        self.ssh_private_key = ssh_private_key
        self.ssh_port = ssh_port
        self.ssh_host_key = ssh_host_key
    }
}

/// `DELETE /vm/{id}`. `vm_ids` (ours) lists every VM that went, the children first.
public struct DeleteMachineResponse: Codable, Sendable {
    public var vm_id: MachineID
    public var vm_ids: [MachineID]

    public init(vm_id: MachineID, vm_ids: [MachineID]) {
        self.vm_id = vm_id
        self.vm_ids = vm_ids
    }
}

// Optional fields are written as `null`, not left out: clients in languages with fixed records expect the key.

extension MachineSummary {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(vm_id, forKey: .vm_id)
        try container.encode(owner_id, forKey: .owner_id)
        try container.encode(state, forKey: .state)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(labels, forKey: .labels)
        try container.encode(parent_vm_id, forKey: .parent_vm_id)
        try container.encode(parent_commit_id, forKey: .parent_commit_id)
        try container.encode(mem_size_mib, forKey: .mem_size_mib)
        try container.encode(vcpu_count, forKey: .vcpu_count)
        try container.encode(fs_size_mib, forKey: .fs_size_mib)
        try container.encode(state_reason, forKey: .state_reason)
    }
}

extension MachineMetadata {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(vm_id, forKey: .vm_id)
        try container.encode(owner_id, forKey: .owner_id)
        try container.encode(state, forKey: .state)
        try container.encode(created_at, forKey: .created_at)
        try container.encode(deleted_at, forKey: .deleted_at)
        try container.encode(ip, forKey: .ip)
        try container.encode(hostname, forKey: .hostname)
        try container.encode(parent_commit_id, forKey: .parent_commit_id)
        try container.encode(grandparent_vm_id, forKey: .grandparent_vm_id)
        try container.encode(mem_size_mib, forKey: .mem_size_mib)
        try container.encode(vcpu_count, forKey: .vcpu_count)
        try container.encode(fs_size_mib, forKey: .fs_size_mib)
        try container.encode(image_name, forKey: .image_name)
        try container.encode(labels, forKey: .labels)
        try container.encode(accelerator, forKey: .accelerator)
        try container.encode(accelerator_reason, forKey: .accelerator_reason)
        try container.encode(wake_on_traffic, forKey: .wake_on_traffic)
        try container.encode(idle_timeout_secs, forKey: .idle_timeout_secs)
        try container.encode(is_private, forKey: .is_private)
        try container.encode(state_reason, forKey: .state_reason)
        try container.encode(network, forKey: .network)
    }
}
