import Testing
import VersAPI

@testable import VersCore

struct MachineServiceDeleteTests {
    @Test func `a VM with children is refused, naming them, and nothing happens`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let children = try await test.branch(parent, count: 2)
            let error = await #expect(throws: VersError.self) {
                try await test.machines.delete(parent, recursive: false, skipWaitBoot: false)
            }
            #expect(error?.code == .hasChildren)
            for child in children { #expect(error?.message.contains(child.text) == true) }
            #expect(try await test.machines.list().count == 3)
            #expect(test.hypervisor.processes.count == 3)
        }
    }

    @Test func `a recursive deletion goes from the leaves up`() async throws {
        try await TestDomain.run { test in
            let root = try await test.create()
            let stranger = try await test.create()
            let children = try await test.branch(root, count: 2)
            let grandchild = try await test.branch(children[0])[0]
            let deleted = try await test.machines.delete(root, recursive: true, skipWaitBoot: false)
            #expect(Set(deleted) == Set([root, grandchild] + children))
            #expect(deleted.last == root)
            let leaf = try #require(deleted.firstIndex(of: grandchild))
            let branch = try #require(deleted.firstIndex(of: children[0]))
            #expect(leaf < branch)
            #expect(try await test.machines.list().map(\.vm_id) == [stranger])
            #expect(try test.machineDirectories() == [stranger])
            #expect(test.hypervisor.processes == [stranger])
        }
    }

    @Test(arguments: [RequestedState.running, .paused, .sleeping, .stopped])
    func `every state can be deleted and leaves nothing`(state: RequestedState) async throws {
        try await TestDomain.run { test in
            let first = try await test.create()
            _ = try await test.machines.delete(first, recursive: false, skipWaitBoot: false)
            let before = try test.commitDirectories()
            let id = try await test.create()
            try await test.machines.setState(of: id, to: state, skipWaitBoot: false)
            _ = try await test.machines.delete(id, recursive: false, skipWaitBoot: false)
            #expect(try await test.machines.list().isEmpty)
            #expect(try test.machineDirectories().isEmpty)
            #expect(test.hypervisor.processes.isEmpty)
            #expect(try test.commitDirectories() == before)
            let metadata = try await test.machines.metadata(of: id)
            #expect(metadata.deleted_at != nil)
        }
    }

    @Test func `a deleted VM is not found by anything but its metadata`() async throws {
        try await TestDomain.run { test in
            let id = try await test.create()
            _ = try await test.machines.delete(id, recursive: false, skipWaitBoot: false)
            for attempt in [
                { _ = try await test.machines.summary(of: id) }, { _ = try await test.branch(id) },
                { _ = try await test.commit(id) }, { _ = try await test.machines.guest(of: id, skipWaitBoot: false) },
                { _ = try await test.machines.sshKey(of: id) },
                { try await test.machines.setState(of: id, to: .running, skipWaitBoot: false) },
                { _ = try await test.machines.delete(id, recursive: true, skipWaitBoot: false) },
                { try await test.machines.resizeDisk(of: id, toMiB: 4096, skipWaitBoot: false) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: VersError.self) { try await attempt() }
                #expect(error?.code == .notFound)
            }
        }
    }

    @Test func `two deletions of one tree at once both end, and the tree is gone`() async throws {
        try await TestDomain.run { test in
            let root = try await test.create()
            _ = try await test.branch(root, count: 3)
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do {
                            _ = try await test.machines.delete(root, recursive: true, skipWaitBoot: false)
                        } catch {
                            #expect((error as? VersError)?.code == .notFound)
                        }
                    }
                }
            }
            #expect(try await test.machines.list().isEmpty)
            #expect(try test.machineDirectories().isEmpty)
            #expect(test.hypervisor.processes.isEmpty)
        }
    }
}
