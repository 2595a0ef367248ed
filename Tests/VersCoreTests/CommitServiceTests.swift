import SystemPackage
import Testing
import VersAPI

@testable import VersCore

struct CommitServiceTests {
    @Test func `only commits that people asked for are listed`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            _ = try await test.branch(machine)
            let first = try await test.commit(machine, CommitRequest(name: "first"))
            let second = try await test.commit(machine, CommitRequest(name: "second"))
            let page = try await test.commits.list(limit: 50, offset: 0)
            #expect(page.commits.map(\.commit_id) == [second, first])
            #expect(page.total == 2)
            #expect(try await test.commits.listPublic(limit: 50, offset: 0).total == 0)
        }
    }

    @Test(arguments: [(0, 0), (101, 0), (-1, 0), (1, -1), (Int.max, 0)])
    func `pages have limits`(limit: Int, offset: Int) async throws {
        try await TestDomain.run { test in
            let error = await #expect(throws: VersError.self) {
                try await test.commits.list(limit: limit, offset: offset)
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `an edit changes what it names`() async throws {
        try await TestDomain.run { test in
            let id = try await test.commit(try await test.create(), CommitRequest(name: "old", description: "text"))
            let info = try await test.commits.edit(id, CommitEditRequest(is_public: true, name: "new"))
            #expect(info.name == "new")
            #expect(info.description == "text")
            #expect(info.is_public)
            #expect(try await test.commits.listPublic(limit: 1, offset: 0).commits == [info])
            let error = await #expect(throws: VersError.self) {
                try await test.commits.edit(id, CommitEditRequest(is_public: false, name: "no/slash"))
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `a commit with VMs is refused and names them; without, it goes`() async throws {
        try await TestDomain.run { test in
            let parent = try await test.create()
            let id = try await test.commit(parent)
            let child = try await test.machines.create(from: id, owner: test.owner)
            let error = await #expect(throws: VersError.self) { try await test.commits.delete(id) }
            #expect(error?.code == .inUse)
            #expect(error?.message.contains(child.text) == true)
            _ = try await test.machines.delete(child, recursive: false, skipWaitBoot: false)
            try await test.commits.delete(id)
            let gone = await #expect(throws: VersError.self) { try await test.commits.info(of: id) }
            #expect(gone?.code == .notFound)
        }
    }

    @Test func `a commit outlives its VM, and its layers go with the last that needs them`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let before = try test.commitDirectories()
            let id = try await test.commit(machine)
            _ = try await test.machines.delete(machine, recursive: false, skipWaitBoot: false)
            #expect(try test.commitDirectories() == before.union([id]))
            let child = try await test.machines.create(from: id, owner: test.owner)
            #expect(try await test.machines.summary(of: child).state == .running)
            _ = try await test.machines.delete(child, recursive: false, skipWaitBoot: false)
            try await test.commits.delete(id)
            // The boot commit stays.
            #expect(try test.commitDirectories() == before)
        }
    }

    @Test func `deleting a commit keeps the layers that a later one rests on`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let first = try await test.commit(machine)
            let second = try await test.commit(machine)
            try await test.commits.delete(first)
            #expect(try test.commitDirectories().isSuperset(of: [first, second]))
            let child = try await test.machines.create(from: second, owner: test.owner)
            #expect(try await test.machines.summary(of: child).state == .running)
        }
    }

    @Test func `the memory of a sleeping VM cannot be deleted`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            try await test.machines.setState(of: machine, to: .sleeping, skipWaitBoot: false)
            let sleep = try #require(try await test.record(machine)?.sleepCommitID)
            let error = await #expect(throws: VersError.self) { try await test.commits.delete(sleep) }
            #expect(error?.code == .inUse)
            #expect(error?.message.contains(machine.text) == true)
            try await test.machines.setState(of: machine, to: .running, skipWaitBoot: false)
        }
    }

    @Test func `a boot commit is nobody's business`() async throws {
        try await TestDomain.run { test in
            _ = try await test.create()
            let boot = try #require(try await test.domain.metadata.liveCommits().first { $0.kind == .boot })
            for attempt in [
                { _ = try await test.commits.info(of: boot.id) }, { try await test.commits.delete(boot.id) },
                { _ = try await test.machines.create(from: boot.id, owner: test.owner) },
                { _ = try await test.machines.branchSource(named: boot.id.text) },
            ] as [() async throws -> Void] {
                let error = await #expect(throws: VersError.self) { try await attempt() }
                #expect(error?.code == .notFound)
            }
        }
    }

    @Test func `history goes up to the root, also over deleted commits`() async throws {
        try await TestDomain.run { test in
            let first = try await test.commit(try await test.create())
            let child = try await test.machines.create(from: first, owner: test.owner)
            let second = try await test.commit(child)
            let grandchild = try await test.machines.create(from: second, owner: test.owner)
            let third = try await test.commit(grandchild)
            _ = try await test.machines.delete(grandchild, recursive: true, skipWaitBoot: false)
            try await test.commits.delete(second)
            let history = try await test.commits.history(of: third).map(\.id)
            let boot = try await test.domain.metadata.liveCommits().first { $0.kind == .boot }?.id
            #expect(history.prefix(3) == [third, second, first])
            #expect(!history.contains { $0 == boot })
        }
    }
}
