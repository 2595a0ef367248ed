import Foundation
import GRDB
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import MetadataStore

struct SQLiteMetadataStoreTests {
    private let file = TemporaryDatabase()
    private let store: SQLiteMetadataStore

    init() throws { store = try SQLiteMetadataStore(path: file.path) }

    @Test func `what was written survives a power cut`() async throws {
        // FULL: the log is flushed at the end of every transaction.
        #expect(try await store.pool.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 2)
        #expect(try await store.pool.write { try String.fetchOne($0, sql: "PRAGMA journal_mode") } == "wal")
    }

    @Test func `a VM is deleted without children, and no child is recorded of one that was deleted`() async throws {
        let parent = makeMachine()
        let child = makeMachine(parentMachineID: parent.id)
        try await store.insert([parent])
        try await store.insert([child], branchedFrom: parent.id)
        let date = Date(timeIntervalSince1970: 1_700_000_100)
        #expect(try await store.delete(parent.id, at: date) == nil)
        #expect(try await store.machine(parent.id)?.deletedAt == nil)
        #expect(try await store.delete(child.id, at: date)?.deletedAt == date)
        #expect(try await store.delete(parent.id, at: date)?.id == parent.id)
        let late = makeMachine(parentMachineID: parent.id)
        let error = await #expect(throws: VersError.self) { try await store.insert([late], branchedFrom: parent.id) }
        #expect(error?.code == .notFound)
        #expect(try await store.machine(late.id) == nil)
        // From a commit of a VM that is gone, VMs may start all the same.
        try await store.insert([late])
    }

    // MARK: Round trips

    @Test func `every field of a machine comes back`() async throws {
        let commit = makeCommit()
        let sleep = makeCommit(kind: .sleep)
        try await store.insert(commit, changing: nil) { _ in }
        try await store.insert(sleep, changing: nil) { _ in }
        var machine = Machine(
            id: MachineID(),
            ownerID: KeyID(),
            organisationID: .owner,
            createdAt: Date(timeIntervalSince1970: 1_700_000_000.125),
            deletedAt: Date(timeIntervalSince1970: 1_700_000_001.5),
            state: .sleeping,
            stateReason: "because 'quoted' and ünïcode",
            labels: ["a": "b", "empty": ""],
            hardware: Hardware(memoryMiB: 4096, vcpuCount: 3, imageName: "tiny", imageBuild: "b7"),
            diskMiB: 2048,
            parentCommitID: commit.id,
            parentMachineID: MachineID(),
            process: ProcessIdentity(pid: 4711, startTimeTicks: 1 << 40, hostBootID: "boot"),
            activeDisk: "disk-3.qcow2",
            diskLayers: [CommitID(), CommitID(), CommitID()],
            startMemoryLayers: [CommitID()],
            markedMemoryLayers: [CommitID(), CommitID()],
            sleepCommitID: sleep.id,
            credentials: MachineCredentials(userKey: "u\nk", authorizedKey: "a", hostKey: "h")
        )
        machine.isPrivate = true
        machine.environment = ["A": "1", "B": ""]
        try await store.insert([machine])
        #expect(try await store.machine(machine.id) == machine)
    }

    @Test func `a machine with nothing optional comes back`() async throws {
        let machine = makeMachine()
        try await store.insert([machine])
        #expect(try await store.machine(machine.id) == machine)
    }

    @Test(arguments: MachineState.allCases) func `every state comes back`(state: MachineState) async throws {
        var machine = makeMachine()
        machine.state = state
        try await store.insert([machine])
        #expect(try await store.machine(machine.id)?.state == state)
    }

    @Test func `every field of a commit comes back`() async throws {
        let commit = Commit(
            id: CommitID(),
            ownerID: KeyID(),
            organisationID: .owner,
            kind: .branch,
            createdAt: Date(timeIntervalSince1970: 1_700_000_000.25),
            deletedAt: Date(timeIntervalSince1970: 1_700_000_002),
            name: "name",
            description: "text",
            isPublic: true,
            parentMachineID: MachineID(),
            parentCommitID: CommitID(),
            hardware: Hardware(memoryMiB: 64, vcpuCount: 64, imageName: "default", imageBuild: "b1"),
            diskMiB: 1,
            memoryLayers: [CommitID(), CommitID()],
            deviceStateLayer: CommitID(),
            diskLayers: [CommitID()],
            compatibility: HypervisorCompatibility(
                hypervisor: "qemu",
                version: "7.2.19",
                machineType: "pc-q35-7.2",
                accelerator: "kvm",
                cpuModel: "host",
                deviceSet: "3"
            ),
            isDurable: true
        )
        try await store.insert(commit, changing: nil) { _ in }
        #expect(try await store.commit(commit.id) == commit)
    }

    // MARK: Machines

    @Test func `a machine list is inserted whole or not at all`() async throws {
        let first = makeMachine()
        try await store.insert([first])
        let error = await #expect(throws: VersError.self) { try await store.insert([makeMachine(), first]) }
        #expect(error?.code == .alreadyExists)
        #expect(try await store.liveMachines() == [first])
    }

    @Test func `live lists leave deleted machines out and put the oldest first`() async throws {
        let commit = makeCommit()
        try await store.insert(commit, changing: nil) { _ in }
        let parent = makeMachine(createdAt: 10)
        let young = makeMachine(createdAt: 30, parentCommitID: commit.id, parentMachineID: parent.id)
        let old = makeMachine(createdAt: 20, parentCommitID: commit.id, parentMachineID: parent.id)
        let gone = makeMachine(createdAt: 15, parentCommitID: commit.id, parentMachineID: parent.id)
        try await store.insert([young, parent, gone, old])
        try await store.update(gone.id) { $0.deletedAt = Date() }
        #expect(try await store.liveMachines().map(\.id) == [parent.id, old.id, young.id])
        #expect(try await store.children(of: parent.id).map(\.id) == [old.id, young.id])
        #expect(try await store.machines(startedFrom: commit.id).map(\.id) == [old.id, young.id])
        #expect(try await store.machine(gone.id) != nil)
    }

    @Test func `a list of an organisation has what its machines say, and reads no deleted one`() async throws {
        var machine = makeMachine(parentMachineID: MachineID())
        machine.labels = ["role": "db"]
        machine.stateReason = "because"
        let gone = makeMachine()
        try await store.insert([machine, gone])
        try await store.update(gone.id) { $0.deletedAt = Date() }
        let summary = try #require(try await store.summaries(of: .owner).first)
        #expect(try await store.summaries(of: .owner).count == 1)
        #expect(summary.vm_id == machine.id && summary.owner_id == machine.ownerID && summary.state == machine.state)
        #expect(summary.created_at == machine.createdAt && summary.labels == machine.labels)
        #expect(summary.parent_vm_id == machine.parentMachineID && summary.parent_commit_id == nil)
        #expect(summary.mem_size_mib == 512 && summary.vcpu_count == 1 && summary.fs_size_mib == machine.diskMiB)
        #expect(summary.state_reason == "because")
        #expect(try await store.summaries(of: OrganisationID()).isEmpty)
        let plan = try await store.pool.read { database in
            try GRDB.Row.fetchAll(
                database,
                sql: "EXPLAIN QUERY PLAN \(SQLiteMetadataStore.summarySQL)",
                arguments: [OrganisationID.owner]
            )
            .map { $0["detail"] as String }
        }
        #expect(plan.count == 1 && plan[0].contains("machineLiveByOrganisation"), "\(plan)")
    }

    @Test func `machines of the same moment keep the order of their insertion`() async throws {
        let machines = (0..<20).map { _ in makeMachine(createdAt: 10) }
        try await store.insert(machines)
        #expect(try await store.liveMachines().map(\.id) == machines.map(\.id))
    }

    @Test func `an update of what is not there says so`() async throws {
        let machine = await #expect(throws: VersError.self) { try await store.update(MachineID()) { _ in } }
        #expect(machine?.code == .notFound)
        let commit = await #expect(throws: VersError.self) { try await store.update(CommitID()) { _ in } }
        #expect(commit?.code == .notFound)
        #expect(try await store.machine(MachineID()) == nil)
        #expect(try await store.commit(CommitID()) == nil)
    }

    @Test func `concurrent updates lose nothing`() async throws {
        let machine = makeMachine()
        try await store.insert([machine])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<100 {
                group.addTask { [store] in
                    try await store.update(machine.id) {
                        $0.labels = ($0.labels ?? [:]).merging(["k\(index)": ""]) { $1 }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.machine(machine.id)?.labels?.count == 100)
    }

    // MARK: Commits

    @Test func `a commit and the change of its machine are one transaction`() async throws {
        let machine = makeMachine()
        let commit = makeCommit()
        try await store.insert([machine])
        try await store.insert(commit, changing: machine.id) { $0.activeDisk = "disk-1.qcow2" }
        #expect(try await store.machine(machine.id)?.activeDisk == "disk-1.qcow2")

        let taken = await #expect(throws: VersError.self) {
            try await store.insert(commit, changing: machine.id) { $0.activeDisk = "disk-2.qcow2" }
        }
        #expect(taken?.code == .alreadyExists)
        #expect(try await store.machine(machine.id)?.activeDisk == "disk-1.qcow2")

        let orphan = makeCommit()
        await #expect(throws: VersError.self) { try await store.insert(orphan, changing: MachineID()) { _ in } }
        #expect(try await store.commit(orphan.id) == nil)
    }

    @Test func `pages of named commits, the newest first, with the whole number`() async throws {
        let commits = (0..<7).map { makeCommit(createdAt: Double($0)) }
        for commit in commits.shuffled() { try await store.insert(commit, changing: nil) { _ in } }
        for kind in CommitKind.allCases where kind != .named {
            try await store.insert(makeCommit(kind: kind), changing: nil) { _ in }
        }
        try await store.update(commits[3].id) { $0.deletedAt = Date() }
        let newestFirst = [6, 5, 4, 2, 1, 0].map { commits[$0].id }
        for (offset, limit) in [(0, 100), (0, 2), (2, 2), (5, 2), (6, 1), (99, 1)] {
            let slice = try await store.namedCommits(in: .organisation(.owner), limit: limit, offset: offset)
            #expect(slice.total == 6)
            #expect(slice.commits.map(\.id) == Array(newestFirst.dropFirst(offset).prefix(limit)))
        }
        try await store.update(commits[1].id) { $0.isPublic = true }
        let visible = try await store.namedCommits(in: .published, limit: 10, offset: 0)
        #expect(visible.total == 1)
        #expect(visible.commits.map(\.id) == [commits[1].id])
    }

    @Test func `live commits are of every kind`() async throws {
        for kind in CommitKind.allCases { try await store.insert(makeCommit(kind: kind), changing: nil) { _ in } }
        let gone = makeCommit()
        try await store.insert(gone, changing: nil) { _ in }
        try await store.update(gone.id) { $0.deletedAt = Date() }
        #expect(Set(try await store.liveCommits().map(\.kind)) == Set(CommitKind.allCases))
        #expect(try await store.liveCommits().count == CommitKind.allCases.count)
        #expect(try await store.commit(gone.id)?.deletedAt != nil)
    }

    // MARK: Keys and the file

    @Test func `a key comes back as it was written`() async throws {
        let key = APIKey(
            id: KeyID(),
            organisationID: .owner,
            userID: .owner,
            label: "owner",
            secretHash: Data([0, 1, 255]),
            createdAt: Date(timeIntervalSince1970: 1_700_000_000),
            expiresAt: Date(timeIntervalSince1970: 1_800_000_000),
            limits: KeyLimits(memoryMiB: 512, machines: 3)
        )
        try await store.insert(key)
        #expect(try await store.key(key.id) == key)
        #expect(try await store.key(KeyID()) == nil)
    }

    @Test func `everything is there after the file was closed and opened again`() async throws {
        let machine = makeMachine()
        let commit = makeCommit()
        try await store.insert([machine])
        try await store.insert(commit, changing: machine.id) { $0.diskLayers = [commit.id] }
        try store.close()
        let again = try SQLiteMetadataStore(path: file.path)
        #expect(try await again.machine(machine.id)?.diskLayers == [commit.id])
        #expect(try await again.commit(commit.id) == commit)
        try again.close()
    }

    @Test func `what was written is there for whoever opens the file of a killed daemon`() async throws {
        let machine = makeMachine()
        try await store.insert([machine])
        // Not closed: the other connection reads what the write-ahead log holds.
        let other = try SQLiteMetadataStore(path: file.path)
        #expect(try await other.liveMachines() == [machine])
        try other.close()
    }

    @Test func `only the owner may read the file`() throws {
        let mode = try FileManager.default.attributesOfItem(atPath: file.path.string)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }
}
