import Foundation
import Synchronization
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct MachineServiceBranchTests {
    @Test func `children share one freeze and are machines of their own`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let freezes = test.hypervisor.count(of: .execute)
            let children = try await test.branch(parent, count: 5)
            #expect(Set(children).count == 5)
            #expect(test.hypervisor.count(of: .execute) == freezes + 1)
            let records = try await test.domain.metadata.children(of: parent)
            #expect(Set(records.map(\.id)) == Set(children))
            #expect(records.allSatisfy { $0.state == .running && $0.process != nil })
            #expect(Set(records.compactMap(\.parentCommitID)).count == 1)
            #expect(Set(records.map(\.credentials.userKey)).count == 5)
            let identities = test.guests.identities.suffix(5)
            #expect(Set(identities.map(\.machineID)) == Set(children))
            #expect(Set(identities.map(\.entropy)).count == 5)
            #expect(identities.allSatisfy { $0.dropsConnections && $0.entropy.count >= 32 })
        }
    }

    @Test func `a child continues from the chain of its parent`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let child = try await test.branch(parent)[0]
            let grandchild = try await test.branch(child)[0]
            let records = try await [parent, child, grandchild].asyncMap { try #require(try await test.record($0)) }
            #expect(records[1].startMemoryLayers.count == records[0].startMemoryLayers.count + 1)
            #expect(records[2].startMemoryLayers.dropLast() == records[1].startMemoryLayers[...])
            #expect(records[2].diskLayers.dropLast() == records[1].diskLayers.dropLast()[...])
        }
    }

    @Test func `the second branch of a VM starts from the mark of the first`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let first = try await test.branch(parent)[0]
            let second = try await test.branch(parent)[0]
            let layers = try await [first, second].asyncMap { try await test.record($0)?.startMemoryLayers ?? [] }
            #expect(layers[1].dropLast() == layers[0][...])
        }
    }

    @Test func `a chain that is full is merged onto its first layer, the boot commit's`() async throws {
        try await TestDomain.run(maximumMemoryLayers: 3) { test in
            let parent = try await test.create()
            let bootCommit = try #require(try await test.record(parent)?.startMemoryLayers.first)
            var chains: [[CommitID]] = []
            for _ in 0..<5 {
                let child = try await test.branch(parent)[0]
                chains.append(try await test.record(child)?.startMemoryLayers ?? [])
            }
            #expect(chains.map(\.count) == [2, 3, 2, 3, 2])
            #expect(chains.allSatisfy { $0.first == bootCommit })
            // What is merged starts from nothing that was written since.
            #expect(Set(chains[2]).isDisjoint(with: chains[1].dropFirst()))
        }
    }

    @Test func `the first branch of a VM that began with a full chain is merged, too`() async throws {
        try await TestDomain.run(maximumMemoryLayers: 3) { test in
            var machine = try await test.create()
            let bootCommit = try #require(try await test.record(machine)?.startMemoryLayers.first)
            var depths: [Int] = []
            for _ in 0..<5 {
                machine = try await test.branch(machine)[0]
                let layers = try await test.record(machine)?.startMemoryLayers ?? []
                #expect(layers.first == bootCommit)
                depths.append(layers.count)
            }
            #expect(depths == [2, 3, 2, 3, 2])
        }
    }

    @Test func `a chain whose process cannot merge layers starts anew with all of memory`() async throws {
        try await TestDomain.run(maximumMemoryLayers: 3) { test in
            let parent = try await test.create()
            test.hypervisor.machine(parent)?.state.withLock { $0.mergesMemory = false }
            var depths: [Int] = []
            for _ in 0..<5 {
                let child = try await test.branch(parent)[0]
                depths.append(try await test.record(child)?.startMemoryLayers.count ?? 0)
            }
            #expect(depths == [2, 3, 1, 2, 3])
        }
    }

    @Test func `a chain without a boot commit starts anew with all of memory`() async throws {
        try await TestDomain.run(maximumMemoryLayers: 3) { test in
            let parent = try await test.create()
            for state in [RequestedState.stopped, .running] {
                try await test.machines.setState(of: parent, to: state, skipWaitBoot: false)
            }
            #expect(try await test.record(parent)?.startMemoryLayers == [])
            var depths: [Int] = []
            for _ in 0..<5 {
                let child = try await test.branch(parent)[0]
                depths.append(try await test.record(child)?.startMemoryLayers.count ?? 0)
            }
            #expect(depths == [1, 2, 3, 1, 2])
        }
    }

    @Test(
        arguments: [
            ScriptedHypervisor.Call.prepareFreeze, .execute, .memoryLayer, .keepMark, .startWaiting, .mapMemory,
            .restore,
            .createDisk,
        ],
        [false, true]
    )
    func `a branch that fails undoes itself`(call: ScriptedHypervisor.Call, keepPaused: Bool) async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let commits = Set(try await test.domain.metadata.liveCommits().map(\.id))
            test.hypervisor.fail(call)
            let options = FreezeOptions(keepPaused: keepPaused)
            let error = await #expect(throws: VersError.self) {
                try await test.branch(parent, count: 3, options: options)
            }
            #expect(error?.message.contains("scripted failure of \(call)") == true)
            #expect(try await test.machines.list().map(\.vm_id) == [parent])
            #expect(try test.machineDirectories() == [parent])
            #expect(test.hypervisor.processes == [parent])
            #expect(Set(try await test.domain.metadata.liveCommits().map(\.id)) == commits)
            #expect(try await test.record(parent)?.state == .running)
            #expect(test.hypervisor.machine(parent)?.isPaused == false)
            try await expectDisksOnFile(of: parent, in: test)
            #expect(try await test.branch(parent, count: 2).count == 2)
        }
    }

    @Test(arguments: 1...3) func `a child that does not answer undoes all children`(number: Int) async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            test.guests.failIdentity(number: number)
            let error = await #expect(throws: VersError.self) { try await test.branch(parent, count: 3) }
            #expect(error?.code == .timedOut)
            #expect(try await test.machines.list().map(\.vm_id) == [parent])
            #expect(try test.machineDirectories() == [parent])
            #expect(test.hypervisor.processes == [parent])
            try await expectDisksOnFile(of: parent, in: test)
        }
    }

    @Test func `a paused parent stays paused, a running one runs, unless it is to stay paused`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            _ = try await test.branch(parent)
            #expect(test.hypervisor.machine(parent)?.isPaused == false)
            _ = try await test.branch(parent, options: FreezeOptions(keepPaused: true))
            #expect(test.hypervisor.machine(parent)?.isPaused == true)
            #expect(try await test.record(parent)?.state == .paused)
            let child = try await test.branch(parent)[0]
            #expect(try await test.record(parent)?.state == .paused)
            #expect(test.hypervisor.machine(parent)?.isPaused == true)
            #expect(test.hypervisor.machine(child)?.isPaused == false)
        }
    }

    @Test(arguments: [0, -1, 1001, .max]) func `the number of children has limits`(count: Int) async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let error = await #expect(throws: VersError.self) { try await test.branch(parent, count: count) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("\(count)") == true)
        }
    }

    @Test func `a branch commit goes when no VM descends from it any more`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let child = try await test.branch(parent)[0]
            let commit = try #require(try await test.record(child)?.parentCommitID)
            _ = try await test.machines.delete(child, recursive: false, skipWaitBoot: false)
            #expect(try await test.domain.metadata.commit(commit)?.deletedAt != nil)
            // Its disk lies under the parent's now, its device state is of no use.
            #expect(!FileManager.default.fileExists(atPath: test.layout.file(.deviceState, of: commit).string))
            try await expectDisksOnFile(of: parent, in: test)
            _ = try await test.machines.delete(parent, recursive: false, skipWaitBoot: false)
            #expect(try !test.commitDirectories().contains(commit))
        }
    }

    @Test func `a stopped VM's children boot from its disk`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            try await test.machines.setState(of: parent, to: .stopped, skipWaitBoot: false)
            let boots = test.hypervisor.count(of: .boot)
            let child = try await test.branch(parent)[0]
            #expect(test.hypervisor.count(of: .boot) == boots + 1)
            #expect(try await test.record(child)?.state == .running)
            #expect(try await test.record(parent)?.state == .stopped)
            try await expectDisksOnFile(of: parent, in: test)
            try await expectDisksOnFile(of: child, in: test)
        }
    }

    @Test func `a commit from another kind of host is refused with what differs`() async throws {
        try await TestDomain.run { test in
            let commit = try await test.commit(try await test.create())
            let record = try #require(try await test.domain.metadata.commit(commit))
            var other = record.compatibility
            other.version = "9.9"
            let foreign = Commit(
                id: CommitID(),
                ownerID: test.owner,
                organisationID: .owner,
                kind: .named,
                createdAt: .now,
                name: "foreign",
                parentMachineID: nil,
                parentCommitID: nil,
                hardware: record.hardware,
                diskMiB: record.diskMiB,
                memoryLayers: record.memoryLayers,
                deviceStateLayer: record.deviceStateLayer,
                diskLayers: record.diskLayers,
                compatibility: other
            )
            try await test.domain.metadata.insert(foreign, changing: nil) { _ in }
            let error = await #expect(throws: VersError.self) {
                try await test.machines.create(from: foreign.id, owner: test.owner)
            }
            #expect(error?.code == .incompatible)
            #expect(error?.message.contains("'9.9'") == true)
        }
    }
}

/// Every file under the VM's disk exists, and the record names the layers that are there.
func expectDisksOnFile(
    of id: MachineID,
    in test: TestDomain,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let machine = try #require(try await test.record(id), sourceLocation: sourceLocation)
    let active = try #require(machine.activeDisk, sourceLocation: sourceLocation)
    let disk = test.layout.directory(of: id).appending(active)
    let chain = try await test.domain.hypervisor.backingChain(of: disk)
    for file in [disk] + chain {
        #expect(FileManager.default.fileExists(atPath: file.string), "\(file)", sourceLocation: sourceLocation)
    }
    let layers = chain.dropLast().reversed().map { $0.removingLastComponent().lastComponent?.string }
    #expect(machine.diskLayers.map { $0.text } == layers, sourceLocation: sourceLocation)
}

extension Sequence {
    func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
