import Testing
import VersAPI

@testable import VersCore

struct MachineServiceCreateTests {
    @Test func `VMs created at once share one boot`() async throws {
        try await TestDomain.run { test in
            try await withThrowingTaskGroup(of: MachineID.self) { group in
                for _ in 0..<5 { group.addTask { try await test.create() } }
                for try await id in group { #expect(try await test.record(id)?.state == .running) }
            }
            #expect(test.hypervisor.count(of: .boot) == 1)
            #expect(try await test.domain.metadata.liveCommits().filter { $0.kind == .boot }.count == 1)
            #expect(try await test.machines.list().count == 5)
            #expect(try test.machineDirectories().count == 5)
        }
    }

    @Test func `another size is another boot, and the next of that size is none`() async throws {
        try await TestDomain.run { test in
            for memory in [128, 256, 128, 256] {
                let configuration = MachineConfiguration(mem_size_mib: memory)
                _ = try await test.machines.create(configuration, owner: test.owner, waitForBoot: true)
            }
            #expect(test.hypervisor.count(of: .boot) == 2)
        }
    }

    @Test(arguments: [
        ScriptedHypervisor.Call.createDisk, .boot, .prepareFreeze, .execute, .memoryLayer, .keepMark, .startWaiting,
        .restore,
    ])
    func `a creation that fails leaves nothing, and the next succeeds`(call: ScriptedHypervisor.Call) async throws {
        try await TestDomain.run { test in
            test.hypervisor.fail(call)
            let error = await #expect(throws: VersError.self) { try await test.create() }
            #expect(error?.description.contains("scripted failure of \(call)") == true)
            #expect(try await test.machines.list().isEmpty)
            #expect(try test.machineDirectories().isEmpty)
            #expect(test.hypervisor.processes.isEmpty)
            let boots = try await test.domain.metadata.liveCommits()
            #expect(try test.commitDirectories() == Set(boots.map(\.id)))
            let id = try await test.create()
            #expect(try await test.record(id)?.state == .running)
        }
    }

    @Test func `whoever does not wait is told of the VM first, and finds it running`() async throws {
        try await TestDomain.run { test in
            let id = try await test.machines.create(
                MachineConfiguration(mem_size_mib: 128),
                owner: test.owner,
                waitForBoot: false
            )
            // Waits for the boot that runs in the background.
            _ = try await test.machines.guest(of: id, skipWaitBoot: false)
            #expect(try await test.record(id)?.state == .running)
        }
    }

    @Test func `a boot in the background that fails leaves a dead VM with the reason`() async throws {
        try await TestDomain.run { test in
            test.hypervisor.fail(.restore)
            let id = try await test.machines.create(
                MachineConfiguration(mem_size_mib: 128),
                owner: test.owner,
                waitForBoot: false
            )
            let error = await #expect(throws: VersError.self) {
                try await test.machines.guest(of: id, skipWaitBoot: false)
            }
            #expect(error?.code == .conflict)
            #expect(try await test.record(id)?.state == .dead)
            #expect(try await test.record(id)?.stateReason?.contains("scripted failure") == true)
            #expect(test.hypervisor.processes.isEmpty)
            #expect(error?.hint?.contains("create it again") == true)
            _ = try await test.machines.delete(id, recursive: false, skipWaitBoot: false)
        }
    }

    @Test func `a VM whose creation failed is created by its start`() async throws {
        try await TestDomain.run { test in
            test.hypervisor.fail(.restore)
            let id = try await test.machines.create(
                MachineConfiguration(mem_size_mib: 128),
                owner: test.owner,
                waitForBoot: false
            )
            try await test.waitUntil(id) { $0.state == .dead }
            #expect(try await test.record(id)?.activeDisk == nil)
            test.hypervisor.fail(.restore)
            await #expect(throws: VersError.self) {
                try await test.machines.setState(of: id, to: .running, skipWaitBoot: false)
            }
            #expect(try await test.record(id)?.state == .dead)
            #expect(try await test.record(id)?.stateReason?.contains("scripted failure") == true)
            try await test.machines.setState(of: id, to: .running, skipWaitBoot: false)
            #expect(try await test.record(id)?.state == .running)
            #expect(try await test.record(id)?.stateReason == nil)
            #expect(try await test.record(id)?.activeDisk != nil)
            #expect(test.hypervisor.processes == [id])
        }
    }

    @Test func `an image that does not boot is named, and not the VM that nobody sees`() async throws {
        try await TestDomain.run { test in
            test.guests.failIdentity(number: 1)
            let error = await #expect(throws: VersError.self) { _ = try await test.create() }
            #expect(error?.message.hasPrefix("image 'default' did not come up: ") == true)
            #expect(error?.message.hasSuffix("it wrote nothing on its console") == true)
            #expect(error?.hint == nil)
            _ = try await test.create()
        }
    }

    @Test(arguments: [
        MachineConfiguration(mem_size_mib: 0), MachineConfiguration(mem_size_mib: -1),
        MachineConfiguration(mem_size_mib: .max), MachineConfiguration(vcpu_count: 0),
        MachineConfiguration(vcpu_count: 65), MachineConfiguration(fs_size_mib: 0),
        MachineConfiguration(fs_size_mib: .max), MachineConfiguration(fs_size_mib: 63),
        MachineConfiguration(image_name: "../x"), MachineConfiguration(mem_size_mib: 9000),
        MachineConfiguration(labels: ["a b": ""]),
    ])
    func `values out of range are refused before anything is made`(configuration: MachineConfiguration) async throws {
        try await TestDomain.run { test in
            let error = await #expect(throws: VersError.self) {
                try await test.machines.create(configuration, owner: test.owner, waitForBoot: true)
            }
            #expect(error?.code == .invalidArgument)
            #expect(test.hypervisor.launched.isEmpty)
            let directories = try test.machineDirectories()
            #expect(directories.isEmpty)
        }
    }

    @Test func `unknown images and kernels are not found`() async throws {
        try await TestDomain.run { test in
            for configuration in [MachineConfiguration(image_name: "nope"), MachineConfiguration(kernel_name: "nope")] {
                let error = await #expect(throws: VersError.self) {
                    try await test.machines.create(configuration, owner: test.owner, waitForBoot: true)
                }
                #expect(error?.code == .notFound)
                #expect(error?.message.contains("'nope'") == true)
            }
        }
    }

    @Test func `a host without memory or disk space refuses, and says how much it has`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let commit = try await test.commit(parent)
            for (memory, disk) in [(500, 8192), (8192, 100)] {
                test.host.set(available: memory, disk: disk)
                for attempt in [
                    { _ = try await test.create() }, { _ = try await test.branch(parent) },
                    { _ = try await test.machines.create(from: commit, owner: test.owner) },
                ] as [() async throws -> Void] {
                    let error = await #expect(throws: VersError.self) { try await attempt() }
                    #expect(error?.code == .resourceExhausted)
                    #expect(error?.message.contains("\(min(memory, disk)) MiB") == true)
                }
            }
            #expect(try await test.machines.list().map(\.vm_id) == [parent])
            #expect(try test.machineDirectories() == [parent])
        }
    }

    @Test func `many VMs need memory each`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            test.host.set(available: 512 + 3 * 64)
            let error = await #expect(throws: VersError.self) { try await test.branch(parent, count: 4) }
            #expect(error?.code == .resourceExhausted)
            #expect(try await test.branch(parent, count: 3).count == 3)
        }
    }
}
