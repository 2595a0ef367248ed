import Foundation
public import VersAPI

extension VersClient {
    /// Live VMs, the oldest first.
    public func machines() async throws -> [MachineSummary] {
        try await transport.value([MachineSummary].self, RequestPlan(.get, "/vms"))
    }

    public func machine(_ id: MachineID) async throws -> MachineSummary {
        try await transport.value(MachineSummary.self, RequestPlan(.get, "/vm/\(id)/status"))
    }

    /// Also of a deleted VM.
    public func metadata(of id: MachineID) async throws -> MachineMetadata {
        try await transport.value(MachineMetadata.self, RequestPlan(.get, "/vm/\(id)/metadata"))
    }

    /// - Parameter waitForBoot: false returns as soon as the VM exists, in state `booting`.
    public func createMachine(_ configuration: MachineConfiguration, waitForBoot: Bool) async throws -> MachineID {
        let plan = try RequestPlan(
            .post,
            "/vm/new_root",
            json: NewRootRequest(vm_config: configuration),
            query: [.flag("wait_boot", waitForBoot)],
            patience: .operation
        )
        return try await transport.value(NewMachineResponse.self, plan).vm_id
    }

    /// The VM is `running` when the call returns.
    /// - Parameter network: nil: as the VM had that the commit was taken from.
    public func createMachine(from commit: CommitID, network: NetworkConfiguration? = nil) async throws -> MachineID {
        try await createMachine(from: .id(commit), network: network)
    }

    /// The same from what a tag names.
    public func createMachine(from commit: CommitName, network: NetworkConfiguration? = nil) async throws -> MachineID {
        var body =
            switch commit {
            case .id(let id): FromCommitRequest(commit_id: id.text)
            case .tag(let name): FromCommitRequest(tag_name: name)
            case .reference(let reference): FromCommitRequest(ref: reference.description)
            }
        body.network = network
        let plan = try RequestPlan(.post, "/vm/from_commit", json: body, patience: .operation)
        return try await transport.value(NewMachineResponse.self, plan).vm_id
    }

    /// Does nothing when the VM is in that state already.
    public func setState(of id: MachineID, to state: RequestedState, skipWaitBoot: Bool = false) async throws {
        let plan = try RequestPlan(
            .patch,
            "/vm/\(id)/state",
            json: StateRequest(state: state),
            query: [.flag("skip_wait_boot", skipWaitBoot)],
            patience: .operation
        )
        try await transport.perform(plan)
    }

    /// Grows the disk and the guest's filesystem; never shrinks.
    public func resizeDisk(of id: MachineID, toMiB sizeMiB: Int, skipWaitBoot: Bool = false) async throws {
        let plan = try RequestPlan(
            .patch,
            "/vm/\(id)/disk",
            json: DiskRequest(fs_size_mib: sizeMiB),
            query: [.flag("skip_wait_boot", skipWaitBoot)],
            patience: .operation
        )
        try await transport.perform(plan)
    }

    /// Whether a connection lets the VM run when it is paused or asleep.
    /// - Parameter idleTimeoutSeconds: without a connection, after which it rests again; nil leaves that as it is.
    public func setWakesOnTraffic(
        _ wakes: Bool,
        idleTimeoutSeconds: Int? = nil,
        of id: MachineID
    ) async throws {
        let body = WakeRequest(wake_on_traffic: wakes, idle_timeout_secs: idleTimeoutSeconds)
        try await transport.perform(try RequestPlan(.patch, "/vm/\(id)/wake", json: body))
    }

    /// Adds labels and replaces those of the same name; others stay.
    public func upsertLabels(_ labels: [String: String], of id: MachineID) async throws {
        try await transport.perform(try RequestPlan(.patch, "/vm/\(id)/label", json: LabelRequest(labels: labels)))
    }

    /// Changes what a VM in a private network may reach, at once.
    public func setEgress(_ request: EgressRequest, of id: MachineID) async throws {
        try await transport.perform(try RequestPlan(.patch, "/vm/\(id)/network", json: request))
    }

    /// - Returns: every VM that was deleted, the children first.
    /// - Throws: `.hasChildren` unless `recursive`.
    @discardableResult
    public func deleteMachine(
        _ id: MachineID,
        recursive: Bool = false,
        skipWaitBoot: Bool = false
    ) async throws -> [MachineID] {
        let query = [URLQueryItem.flag("recursive", recursive), .flag("skip_wait_boot", skipWaitBoot)]
        let plan = RequestPlan(.delete, "/vm/\(id)", query: query, patience: .operation)
        return try await transport.value(DeleteMachineResponse.self, plan).vm_ids
    }

    public func sshKey(of id: MachineID) async throws -> SSHKeyResponse {
        try await transport.value(SSHKeyResponse.self, RequestPlan(.get, "/vm/\(id)/ssh_key"))
    }
}
