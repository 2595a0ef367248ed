public import VersAPI
public import VersCore

/// What the routes ask of the domain about VMs. ``MachineService`` is the implementation; tests bring their own.
///
/// A VM or commit that `principal` may not see does not exist for it: `.notFound`.
public protocol MachineOperations: Sendable {
    func list(for principal: Principal) async throws -> [MachineSummary]
    func summary(of id: MachineID, for principal: Principal) async throws -> MachineSummary
    func metadata(of id: MachineID, for principal: Principal) async throws -> MachineMetadata
    func create(
        _ configuration: MachineConfiguration,
        waitForBoot: Bool,
        for principal: Principal
    ) async throws -> MachineID
    func create(
        from commit: CommitID,
        network: NetworkConfiguration?,
        for principal: Principal
    ) async throws -> MachineID
    func branch(
        _ source: BranchSource,
        count: Int,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> [MachineID]
    func commit(
        _ id: MachineID,
        request: CommitRequest,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> CommitID
    func setState(of id: MachineID, to state: RequestedState, skipWaitBoot: Bool, for principal: Principal) async throws
    func resizeDisk(of id: MachineID, toMiB sizeMiB: Int, skipWaitBoot: Bool, for principal: Principal) async throws
    func setWake(_ request: WakeRequest, of id: MachineID, for principal: Principal) async throws
    func keepAwake(_ id: MachineID, for principal: Principal) async throws -> any Sendable
    func upsertLabels(_ labels: [String: String], of id: MachineID, for principal: Principal) async throws
    func setEgress(_ request: EgressRequest, of id: MachineID, for principal: Principal) async throws
    func delete(_ id: MachineID, recursive: Bool, skipWaitBoot: Bool, for principal: Principal) async throws
        -> [MachineID]
    func sshKey(of id: MachineID, for principal: Principal) async throws -> SSHKeyResponse
    func console(of id: MachineID, offset: UInt64, limit: Int, for principal: Principal) async throws -> ConsoleChunk
    func followConsole(of id: MachineID, offset: UInt64, for principal: Principal) async throws -> any ConsoleFollowing
    func guest(of id: MachineID, skipWaitBoot: Bool, for principal: Principal) async throws -> any GuestSession
    func branchSource(named id: String, for principal: Principal) async throws -> BranchSource
}

extension MachineService: MachineOperations {}
