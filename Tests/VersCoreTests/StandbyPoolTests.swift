import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct StandbyPoolTests {
    private let role = StandbyRole(shape: MachineShape(memoryMiB: 128, vcpuCount: 1))

    /// Waits until so many processes wait.
    private func waitForStandbys(_ count: Int, _ test: TestDomain) async throws {
        let (hypervisor, standbys) = (test.hypervisor, test.domain.standbys)
        try await withDeadline(.seconds(60), "\(count) standbys") {
            while true {
                // In this order: one that is just started is counted before it has rehearsed.
                if hypervisor.waitingProcesses.count == count, await standbys.isAtRest { return }
                try await Task.sleep(for: .milliseconds(2))
            }
        }
    }

    @Test func `a VM takes over a process that waits, and another takes its place`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            let parent = try await test.create()
            try await waitForStandbys(1, test)
            let waiting = test.hypervisor.waitingProcesses
            let children = try await test.branch(parent)
            #expect(Set(children) == waiting)
            try await waitForStandbys(1, test)
            #expect(try test.machineDirectories() == Set([parent] + children))
            #expect(try await test.domain.files.standbys().count == 1)
        }
    }

    @Test func `a VM in a private network takes over a process that waits for one`() async throws {
        let networks = ScriptedNetworks()
        try await TestDomain.run(standbyCount: 1, networks: networks) { test in
            let configuration = MachineConfiguration(mem_size_mib: 128, network: NetworkConfiguration(mode: .bridge))
            let parent = try await test.machines.create(configuration, owner: test.owner, waitForBoot: true)
            try await waitForStandbys(1, test)
            let waiting = test.hypervisor.waitingProcesses
            #expect(networks.prepared == waiting.union([parent]))
            #expect(Set(networks.attached.keys) == [parent])
            let children = try await test.branch(parent)
            #expect(Set(children) == waiting)
            #expect(networks.attached[children[0]]?.network.treeID == parent)
            try await waitForStandbys(1, test)
            // One without waiting for it.
            let root = try #require(test.hypervisor.waitingProcesses.first)
            let created = try await test.machines.create(configuration, owner: test.owner, waitForBoot: false)
            #expect(created == root)
            _ = try await test.commit(created)
            #expect(networks.attached[created]?.network.treeID == created)
            try await waitForStandbys(1, test)
            await test.domain.standbys.close()
            #expect(networks.prepared == Set(networks.attached.keys))
        }
    }

    @Test func `more children than processes that wait are all started`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            let parent = try await test.create()
            try await waitForStandbys(1, test)
            #expect(try await test.branch(parent, count: 5).count == 5)
            try await waitForStandbys(1, test)
            #expect(test.hypervisor.processes.count == 7)
        }
    }

    @Test func `a process that has ended is not taken`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            let parent = try await test.create()
            try await waitForStandbys(1, test)
            let dead = try #require(test.hypervisor.waitingProcesses.first)
            test.hypervisor.endWaiting(dead)
            let child = try #require(try await test.branch(parent).first)
            #expect(child != dead)
            try await waitForStandbys(1, test)
            let standbys = try await test.domain.files.standbys()
            #expect(!standbys.contains(dead))
        }
    }

    @Test func `a branch that fails leaves no process and no directory behind`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            let parent = try await test.create()
            try await waitForStandbys(1, test)
            for call in [ScriptedHypervisor.Call.execute, .restore, .createDisk] {
                test.hypervisor.fail(call)
                await #expect(throws: VersError.self) { _ = try await test.branch(parent, count: 2) }
                #expect(try test.machineDirectories() == [parent])
                #expect(test.hypervisor.processes.subtracting(test.hypervisor.waitingProcesses) == [parent])
            }
        }
    }

    @Test func `after the daemon's end nothing waits, and nothing new does`() async throws {
        try await TestDomain.run(standbyCount: 2) { test in
            _ = try await test.create()
            try await waitForStandbys(2, test)
            await test.domain.standbys.close()
            #expect(test.hypervisor.waitingProcesses.isEmpty)
            #expect(try await test.domain.files.standbys().isEmpty)
            let provided = try await test.domain.standbys.provide(1, as: role)
            await test.domain.standbys.abandon(provided)
            #expect(test.hypervisor.waitingProcesses.isEmpty)
        }
    }

    @Test func `a host short of memory keeps nothing ready`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            test.host.set(available: 576)
            await test.domain.standbys.fill(role)
            #expect(test.hypervisor.waitingProcesses.isEmpty)
            test.host.set(available: 577)
            await test.domain.standbys.fill(role)
            #expect(test.hypervisor.waitingProcesses.count == 1)
        }
    }

    @Test func `what waits has rehearsed the booted state of its VMs`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            let parent = try await test.create()
            try await waitForStandbys(1, test)
            _ = try await test.branch(parent)
            try await waitForStandbys(1, test)
            #expect(test.hypervisor.count(of: .rehearse) == 2)
            let standbys = try await test.domain.files.standbys()
            let id = try #require(standbys.first)
            let names = try FileManager.default.contentsOfDirectory(
                atPath: test.domain.layout.standbyDirectory(of: id).string
            )
            #expect(!names.contains { $0.hasPrefix("disk-") })
        }
    }

    @Test func `one that fails its rehearsal is replaced by one that has none`() async throws {
        try await TestDomain.run(standbyCount: 1) { test in
            test.hypervisor.fail(.rehearse)
            let parent = try await test.create()
            try await waitForStandbys(1, test)
            #expect(try await test.branch(parent).count == 1)
            try await waitForStandbys(1, test)
            #expect(test.hypervisor.count(of: .rehearse) == 1)
            #expect(try await test.domain.files.standbys().count == 1)
        }
    }
}
