import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct MachineServiceCommitTests {
    @Test func `a commit is durable when the call returns`() async throws {
        try await TestDomain.run { test in
            let id = try await test.commit(try await test.create(), CommitRequest(name: "golden", description: "text"))
            let commit = try #require(try await test.domain.metadata.commit(id))
            #expect(commit.isDurable)
            #expect(commit.name == "golden")
            #expect(commit.description == "text")
            try await test.domain.commits.verify(id)
        }
    }

    @Test(arguments: [ScriptedHypervisor.Call.prepareFreeze, .execute, .memoryLayer, .keepMark], [false, true])
    func `a freeze that fails leaves no commit and no directory`(
        call: ScriptedHypervisor.Call,
        keepPaused: Bool
    ) async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let before = Set(try await test.domain.metadata.liveCommits().map(\.id))
            test.hypervisor.fail(call)
            await #expect(throws: VersError.self) {
                try await test.machines.commit(
                    machine,
                    request: CommitRequest(),
                    options: FreezeOptions(keepPaused: keepPaused),
                    owner: test.owner
                )
            }
            #expect(Set(try await test.domain.metadata.liveCommits().map(\.id)) == before)
            #expect(try await test.record(machine)?.state == .running)
            #expect(test.hypervisor.machine(machine)?.isPaused == false)
            try await expectDisksOnFile(of: machine, in: test)
            // What is left is the layer that the disk rests on, if the freeze got as far as switching it.
            let needed = Set(try #require(try await test.record(machine)).diskLayers)
            #expect(try test.commitDirectories() == before.union(needed))
            _ = try await test.commit(machine)
        }
    }

    @Test func `an id that is taken is refused and its commit unharmed`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let id = try await test.commit(machine, CommitRequest(commit_id: CommitID(), name: "mine"))
            let error = await #expect(throws: VersError.self) {
                try await test.commit(machine, CommitRequest(commit_id: id, name: "other"))
            }
            #expect(error?.code == .alreadyExists)
            #expect(try await test.commits.info(of: id).name == "mine")
            try await test.domain.commits.verify(id)
        }
    }

    @Test func `of several commits with one id exactly one is made`() async throws {
        try await TestDomain.run { test in
            let machines = [try await test.create(), try await test.create(), try await test.create()]
            let id = CommitID()
            let outcomes = await withTaskGroup(of: ErrorCode?.self) { group in
                for machine in machines {
                    group.addTask {
                        do {
                            _ = try await test.commit(machine, CommitRequest(commit_id: id))
                            return nil
                        } catch {
                            return (error as? VersError)?.code ?? .internal
                        }
                    }
                }
                return await group.reduce(into: [ErrorCode?]()) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == nil }.count == 1)
            #expect(outcomes.compactMap { $0 }.allSatisfy { $0 == .alreadyExists })
            #expect(try await test.commits.info(of: id).commit_id == id)
            try await test.domain.commits.verify(id)
            for machine in machines { try await expectDisksOnFile(of: machine, in: test) }
        }
    }

    @Test func `bad names and descriptions are refused before the VM is paused`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let freezes = test.hypervisor.count(of: .prepareFreeze)
            for request in [
                CommitRequest(name: ""), CommitRequest(name: "a/b"),
                CommitRequest(description: String(repeating: "d", count: 1025)),
            ] {
                let error = await #expect(throws: VersError.self) { try await test.commit(machine, request) }
                #expect(error?.code == .invalidArgument)
            }
            #expect(test.hypervisor.count(of: .prepareFreeze) == freezes)
        }
    }

    @Test func `a stopped VM's commit has no memory, and its VMs boot`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            try await test.machines.setState(of: machine, to: .stopped, skipWaitBoot: false)
            let id = try await test.commit(machine)
            let commit = try #require(try await test.domain.metadata.commit(id))
            #expect(!commit.hasMemory)
            #expect(commit.memoryLayers.isEmpty)
            try await expectDisksOnFile(of: machine, in: test)
            let boots = test.hypervisor.count(of: .boot)
            _ = try await test.machines.create(from: id, owner: test.owner)
            #expect(test.hypervisor.count(of: .boot) == boots + 1)
        }
    }

    @Test func `a commit of a stopped VM that fails leaves its disk as it was`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            try await test.machines.setState(of: machine, to: .stopped, skipWaitBoot: false)
            let before = try await test.record(machine)
            let directories = try test.commitDirectories()
            test.hypervisor.fail(.createDisk)
            await #expect(throws: VersError.self) { try await test.commit(machine) }
            #expect(try await test.record(machine) == before)
            #expect(try test.commitDirectories() == directories)
            try await expectDisksOnFile(of: machine, in: test)
        }
    }

    @Test func `a sleeping VM's commit shares its memory and survives its waking`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            try await test.machines.setState(of: machine, to: .sleeping, skipWaitBoot: false)
            let id = try await test.commit(machine)
            try await test.machines.setState(of: machine, to: .running, skipWaitBoot: false)
            _ = try await test.machines.delete(machine, recursive: false, skipWaitBoot: false)
            let child = try await test.machines.create(from: id, owner: test.owner)
            #expect(try await test.record(child)?.state == .running)
            try await expectDisksOnFile(of: child, in: test)
        }
    }
}
