import Foundation
public import VersAPI

extension VersClient {
    /// Branches a VM into `count` new ones that share one freeze. They are `running` when the call returns.
    /// - Parameter keepPaused: leaves the source paused.
    public func branch(
        _ machine: MachineID,
        count: Int = 1,
        keepPaused: Bool = false,
        skipWaitBoot: Bool = false
    ) async throws -> [MachineID] {
        let options: [URLQueryItem] = [.flag("keep_paused", keepPaused), .flag("skip_wait_boot", skipWaitBoot)]
        return try await branch("/vm/branch/by_vm/\(machine)", count: count, options)
    }

    /// Starts `count` VMs from a commit.
    public func branch(_ commit: CommitID, count: Int = 1) async throws -> [MachineID] {
        try await branch("/vm/branch/by_commit/\(commit)", count: count, [])
    }

    /// Starts `count` VMs from what a tag of the organisation names.
    public func branch(tag name: String, count: Int = 1) async throws -> [MachineID] {
        try await branch("/vm/branch/by_tag/\(RequestPlan.segment(name))", count: count, [])
    }

    /// Starts `count` VMs from what a tag of one of the organisation's repositories names.
    public func branch(tag name: String, ofRepository repository: String, count: Int = 1) async throws -> [MachineID] {
        let path = "\(RequestPlan.segment(repository))/\(RequestPlan.segment(name))"
        return try await branch("/vm/branch/by_ref/\(path)", count: count, [])
    }

    private func branch(_ path: String, count: Int, _ options: [URLQueryItem]) async throws -> [MachineID] {
        let query = [URLQueryItem(name: "count", value: "\(count)")] + options
        let plan = RequestPlan(.post, path, query: query, patience: .operation)
        return try await transport.value(NewMachinesResponse.self, plan).vms.map(\.vm_id)
    }
}
