public import VersAPI
public import VersCore

/// What the routes ask of the domain about VMs. ``MachineService`` is the implementation; tests bring their own.
public protocol MachineOperations: Sendable {
    func list() async throws -> [MachineSummary]
    func summary(of id: MachineID) async throws -> MachineSummary
    func metadata(of id: MachineID) async throws -> MachineMetadata
    func create(_ configuration: MachineConfiguration, owner: KeyID, waitForBoot: Bool) async throws -> MachineID
    func create(from commit: CommitID, owner: KeyID) async throws -> MachineID
    func branch(
        _ source: BranchSource,
        count: Int,
        options: FreezeOptions,
        owner: KeyID
    ) async throws -> [MachineID]
    func commit(
        _ id: MachineID,
        request: CommitRequest,
        options: FreezeOptions,
        owner: KeyID
    ) async throws -> CommitID
    func setState(of id: MachineID, to state: RequestedState, skipWaitBoot: Bool) async throws
    func resizeDisk(of id: MachineID, toMiB sizeMiB: Int, skipWaitBoot: Bool) async throws
    func upsertLabels(_ labels: [String: String], of id: MachineID) async throws
    func delete(_ id: MachineID, recursive: Bool, skipWaitBoot: Bool) async throws -> [MachineID]
    func sshKey(of id: MachineID) async throws -> SSHKeyResponse
    func console(of id: MachineID, offset: UInt64, limit: Int) async throws -> ConsoleChunk
    func guest(of id: MachineID, skipWaitBoot: Bool) async throws -> any GuestSession
    func branchSource(named id: String) async throws -> BranchSource
}

extension MachineService: MachineOperations {}
