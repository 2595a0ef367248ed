import Foundation
import Testing
import VersAPI
import VersCore

@testable import MetadataStore

struct NameStoreTests {
    private let file = TemporaryDatabase()
    private let store: SQLiteMetadataStore
    private let date = Date(timeIntervalSince1970: 1_700_000_000.125)

    init() throws { store = try SQLiteMetadataStore(path: file.path) }

    private func tag(_ name: String, _ commit: CommitID, in scope: TagScope = .organisation(.owner)) -> VersCore.Tag {
        VersCore.Tag(scope: scope, name: name, commitID: commit, description: "d", createdAt: date, updatedAt: date)
    }

    private func makeRepository(_ name: String = "images") -> Repository {
        Repository(organisationID: .owner, name: name, description: nil, isPublic: true, createdAt: date)
    }

    @Test func `every field comes back`() async throws {
        let commit = makeCommit()
        try await store.insert(commit, changing: nil) { _ in }
        let repository = makeRepository()
        try await store.insert(repository)
        #expect(try await store.repository("images", of: .owner) == repository)
        #expect(try await store.publicRepositories() == [repository])
        for scope in [TagScope.organisation(.owner), .repository(repository.id)] {
            let tag = tag("v1", commit.id, in: scope)
            try await store.insert(tag)
            #expect(try await store.tag("v1", in: scope) == tag)
            #expect(try await store.tags(in: scope) == [tag])
        }
        let machine = makeMachine()
        try await store.insert([machine])
        let name = DomainName(organisationID: .owner, name: "a.example", machineID: machine.id, createdAt: date)
        try await store.insert(name)
        #expect(try await store.domainName(name.id) == name)
        #expect(try await store.domainNames(of: .owner, machine: MachineID()).isEmpty)
    }

    @Test func `names are unique in their scope only`() async throws {
        let commit = makeCommit()
        try await store.insert(commit, changing: nil) { _ in }
        let (first, second) = (makeRepository("a"), makeRepository("b"))
        for repository in [first, second] { try await store.insert(repository) }
        let scopes: [TagScope] = [
            .organisation(.owner), .organisation(OrganisationID()), .repository(first.id), .repository(second.id),
        ]
        for scope in scopes {
            try await store.insert(tag("v1", commit.id, in: scope))
            let error = await #expect(throws: VersError.self) {
                try await store.insert(tag("v1", commit.id, in: scope))
            }
            #expect(error?.code == .alreadyExists)
        }
        #expect(try await store.deleteUntagged(commit.id, ofKind: nil, at: date) == ["a:v1", "b:v1", "v1", "v1"])
        #expect(try await store.deleteRepository("a", of: .owner))
        #expect(try await store.deleteUntagged(commit.id, ofKind: nil, at: date) == ["b:v1", "v1", "v1"])
    }

    @Test func `no tag names a deleted commit`() async throws {
        let (live, dead) = (makeCommit(), makeCommit())
        for commit in [live, dead] { try await store.insert(commit, changing: nil) { _ in } }
        #expect(try await store.deleteUntagged(dead.id, ofKind: nil, at: date).isEmpty)
        #expect(try await store.commit(dead.id)?.deletedAt == date)
        try await store.insert(tag("t", live.id))
        for attempt in [
            { try await store.insert(tag("u", dead.id)) },
            { try await store.updateTag("t", in: .organisation(.owner)) { $0.commitID = dead.id } },
        ] as [() async throws -> Void] {
            let error = await #expect(throws: VersError.self) { try await attempt() }
            #expect(error?.code == .notFound)
        }
        #expect(try await store.tag("t", in: .organisation(.owner))?.commitID == live.id)
    }

    @Test func `a fork is inserted whole or not at all`() async throws {
        var commit = makeCommit()
        commit.isDurable = true
        let machine = makeMachine(parentCommitID: commit.id)
        let repository = makeRepository()
        let fork = Fork(
            commit: commit,
            machine: machine,
            repository: repository,
            tag: tag("v1", commit.id, in: .repository(repository.id))
        )
        try await store.insert(makeRepository())
        let error = await #expect(throws: VersError.self) { try await store.insert(fork) }
        #expect(error?.code == .alreadyExists)
        #expect(try await store.commit(commit.id) == nil)
        #expect(try await store.machine(machine.id) == nil)
        #expect(try await store.deleteRepository("images", of: .owner))
        try await store.insert(fork)
        #expect(try await store.machine(machine.id) == machine)
        #expect(try await store.tags(in: .repository(repository.id)) == [fork.tag])
    }

    @Test func `a VM's names go with its row, whatever deletes it`() async throws {
        let machine = makeMachine()
        try await store.insert([machine])
        for name in ["a.example", "b.example"] {
            try await store.insert(
                DomainName(organisationID: .owner, name: name, machineID: machine.id, createdAt: date)
            )
        }
        try await store.update(machine.id) { $0.stateReason = "still there" }
        #expect(try await store.domainNames(of: .owner, machine: machine.id).count == 2)
        try await store.update(machine.id) { $0.deletedAt = Date() }
        #expect(try await store.domainNames(of: .owner, machine: nil).isEmpty)
        let late = DomainName(organisationID: .owner, name: "c.example", machineID: machine.id, createdAt: date)
        let error = await #expect(throws: VersError.self) { try await store.insert(late) }
        #expect(error?.code == .notFound)
    }

    @Test func `variables change all or not at all`() async throws {
        struct Refusal: Error {}
        try await store.changeVariables(of: .owner) { $0 = ["A": "1", "B": "2"] }
        await #expect(throws: Refusal.self) {
            try await store.changeVariables(of: .owner) {
                $0 = [:]
                throw Refusal()
            }
        }
        #expect(try await store.variables(of: .owner) == ["A": "1", "B": "2"])
        #expect(try await store.variables(of: OrganisationID()).isEmpty)
    }
}
