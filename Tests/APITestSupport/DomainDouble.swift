public import Foundation
import Synchronization
public import VersAPI
public import VersCore
public import VersServer

/// The domain at the API's border: records every call, answers with fixed values, fails when told to.
public final class DomainDouble: MachineOperations, CommitOperations, KeyAuthenticating {
    public static let key = "0b8f5c1e-1111-4222-8333-444455556666" + String(repeating: "ab", count: 32)
    public static let owner = KeyID("0b8f5c1e-1111-4222-8333-444455556666") ?? KeyID()
    public static let date = Date(timeIntervalSince1970: 1_777_629_600.123456)

    public let guest = GuestDouble()
    public let console = ConsoleDouble()
    public let machine = MachineID()
    public let commit = CommitID()
    private struct Hold: Sendable {
        let entered = Latch()
        let released = Latch()
    }

    private let hold = Mutex<Hold?>(nil)
    private let calls = Mutex<[String]>([])
    private let errors = Mutex<[any Error]>([])

    public init() {}

    /// What was asked, in order.
    public var recorded: [String] { calls.withLock { $0 } }

    /// Each of the next calls throws one of these.
    public func fail(with next: [any Error]) { errors.withLock { $0 = next } }

    private func record(_ call: String) throws {
        calls.withLock { $0.append(call) }
        let error = errors.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        if let error { throw error }
    }

    public func authenticate(_ key: String) async throws -> Principal {
        guard key == Self.key else { throw VersError(.unauthenticated, "the API key is not valid") }
        return Principal(keyID: Self.owner, organisationID: .owner)
    }

    private var summaryValue: MachineSummary {
        MachineSummary(
            vm_id: machine,
            owner_id: Self.owner,
            state: .running,
            created_at: Self.date,
            labels: nil,
            parent_vm_id: nil,
            parent_commit_id: nil,
            mem_size_mib: 512,
            vcpu_count: 1,
            fs_size_mib: 1024,
            state_reason: nil
        )
    }

    /// The next call that lists or creates VMs waits for ``releaseCall()``.
    public func holdNextCall() { hold.withLock { $0 = Hold() } }

    /// Returns when a call waits.
    public func callIsHeld() async { await hold.withLock { $0 }?.entered.wait() }

    public func releaseCall() { hold.withLock { $0 }?.released.open() }

    private func waitWhileHeld() async {
        guard let hold = hold.withLock({ $0 }) else { return }
        hold.entered.open()
        await hold.released.wait()
    }

    public func list(for principal: Principal) async throws -> [MachineSummary] {
        try record("list")
        await waitWhileHeld()
        return [summaryValue]
    }

    public func summary(of id: MachineID, for principal: Principal) async throws -> MachineSummary {
        try record("summary \(id)")
        return summaryValue
    }

    public func metadata(of id: MachineID, for principal: Principal) async throws -> MachineMetadata {
        try record("metadata \(id)")
        return MachineMetadata(
            vm_id: id,
            owner_id: Self.owner,
            state: .running,
            created_at: Self.date,
            deleted_at: nil,
            ip: "10.0.2.15",
            hostname: "\(id).vm.local",
            parent_commit_id: nil,
            grandparent_vm_id: nil,
            mem_size_mib: 512,
            vcpu_count: 1,
            fs_size_mib: 1024,
            image_name: "default",
            labels: nil,
            accelerator: "tcg",
            accelerator_reason: "no /dev/kvm",
            state_reason: nil,
            idle_timeout_secs: 300
        )
    }

    public func create(
        _ configuration: MachineConfiguration,
        waitForBoot: Bool,
        for principal: Principal
    ) async throws -> MachineID {
        try record("create \(configuration.mem_size_mib ?? 0) \(principal.keyID) \(waitForBoot)")
        await waitWhileHeld()
        return machine
    }

    public func create(
        from commit: CommitID,
        network: NetworkConfiguration?,
        for principal: Principal
    ) async throws -> MachineID {
        try record("create from \(commit)")
        return machine
    }

    public func branch(
        _ source: BranchSource,
        count: Int,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> [MachineID] {
        try record("branch \(source) \(count) \(options.keepPaused) \(options.skipWaitBoot)")
        return (0..<count).map { _ in MachineID() }
    }

    public func commit(
        _ id: MachineID,
        request: CommitRequest,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> CommitID {
        try record("commit \(id) \(request.name ?? "-") \(options.keepPaused)")
        return commit
    }

    public func setState(of id: MachineID, to state: RequestedState, skipWaitBoot: Bool, for principal: Principal)
        async throws
    {
        try record("state \(id) \(state) \(skipWaitBoot)")
    }

    public func resizeDisk(of id: MachineID, toMiB sizeMiB: Int, skipWaitBoot: Bool, for principal: Principal)
        async throws
    {
        try record("resize \(id) \(sizeMiB)")
    }

    public func setWake(_ request: WakeRequest, of id: MachineID, for principal: Principal) async throws {
        try record("wake \(id) \(request.wake_on_traffic)")
    }

    public func keepAwake(_ id: MachineID, for principal: Principal) async throws -> any Sendable { () }

    public func upsertLabels(_ labels: [String: String], of id: MachineID, for principal: Principal) async throws {
        try record("labels \(id) \(labels)")
    }

    public func setEgress(_ request: EgressRequest, of id: MachineID, for principal: Principal) async throws {
        try record("egress \(id) \(request.egress?.rawValue ?? "") \(request.allow ?? [])")
    }

    public func delete(_ id: MachineID, recursive: Bool, skipWaitBoot: Bool, for principal: Principal) async throws
        -> [MachineID]
    {
        try record("delete \(id) \(recursive) \(skipWaitBoot)")
        return [id]
    }

    public func sshKey(of id: MachineID, for principal: Principal) async throws -> SSHKeyResponse {
        try record("ssh key \(id)")
        return SSHKeyResponse(ssh_private_key: "PEM", ssh_port: 22)
    }

    public func console(of id: MachineID, offset: UInt64, limit: Int, for principal: Principal) async throws
        -> ConsoleChunk
    {
        try record("console \(id) \(offset) \(limit)")
        return ConsoleChunk(bytes: Array("login:".utf8), nextOffset: offset + 6)
    }

    public func followConsole(of id: MachineID, offset: UInt64, for principal: Principal) async throws
        -> any ConsoleFollowing
    {
        try record("console \(id) \(offset) followed")
        return console
    }

    public func guest(of id: MachineID, skipWaitBoot: Bool, for principal: Principal) async throws -> any GuestSession {
        try record("guest \(id)")
        return guest
    }

    public func branchSource(named id: String, for principal: Principal) async throws -> BranchSource {
        try record("source \(id)")
        if id == machine.text { return .machine(machine) }
        if id == commit.text { return .commit(commit) }
        throw VersError(.notFound, "commit not found")
    }
}

extension DomainDouble {
    private var commitValue: CommitInfo {
        CommitInfo(
            commit_id: commit,
            owner_id: Self.owner,
            name: "golden",
            is_public: false,
            created_at: Self.date,
            description: nil,
            parent_vm_id: nil,
            grandparent_commit_id: nil
        )
    }

    public func list(limit: Int, offset: Int, for principal: Principal) async throws -> CommitPage {
        try record("commits \(limit) \(offset)")
        return CommitPage(commits: [commitValue], total: 1, limit: limit, offset: offset)
    }

    public func listPublic(limit: Int, offset: Int) async throws -> CommitPage {
        try record("public commits \(limit) \(offset)")
        return CommitPage(commits: [], total: 0, limit: limit, offset: offset)
    }

    public func info(of id: CommitID, for principal: Principal) async throws -> CommitInfo {
        try record("commit info \(id)")
        return commitValue
    }

    public func edit(_ id: CommitID, _ request: CommitEditRequest, for principal: Principal) async throws -> CommitInfo
    {
        try record("edit \(id) \(request.is_public)")
        return commitValue
    }

    public func delete(_ id: CommitID, for principal: Principal) async throws { try record("delete commit \(id)") }

    public func history(of id: CommitID, for principal: Principal) async throws -> [CommitEntity] {
        try record("history \(id)")
        return [CommitEntity(commitValue)]
    }
}
