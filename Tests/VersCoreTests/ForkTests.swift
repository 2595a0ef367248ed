import Testing
import VersAPI

@testable import VersCore

struct ForkTests {
    private static let request = ForkRequest(source_org: "owner", source_repo: "images", source_tag: "v1")

    /// A public repository `images` with a tag `v1`.
    private func publish(_ test: TestDomain) async throws -> CommitID {
        let commit = try await test.lonelyCommit()
        _ = try await test.repositories.create(RepositoryCreateRequest(name: "images"), for: test.principal)
        let request = TagCreateRequest(tag_name: "v1", commit_id: commit)
        _ = try await test.repositories.createTag(request, in: "images", for: test.principal)
        try await test.repositories.setVisibility(of: "images", isPublic: true, for: test.principal)
        return commit
    }

    @Test func `a fork is a commit, a VM, a repository and a tag of one's own`() async throws {
        try await TestDomain.run { test in
            let source = try await publish(test)
            let stranger = TestDomain.stranger
            let fork = try await test.repositories.fork(Self.request, for: stranger)
            #expect(fork.reference == "images:v1" && fork.commit_id != source)
            #expect(try await test.machines.summary(of: fork.vm_id, for: stranger).state == .running)
            #expect(try await test.repositories.tag("v1", of: "images", for: stranger).commit_id == fork.commit_id)
            let history = try await test.commits.history(of: fork.commit_id, for: stranger)
            // The source is only named publicly, not public itself: a stranger's history ends before it.
            #expect(history.map(\.id) == [fork.commit_id])
            #expect(try await test.commits.info(of: fork.commit_id, for: stranger).owner_id == stranger.keyID)
            // The original may go; the fork rests on its layers all the same.
            try await test.repositories.delete("images", for: test.principal)
            try await test.commits.delete(source)
            _ = try await test.machines.delete(
                fork.vm_id,
                recursive: false,
                skipWaitBoot: false,
                for: stranger
            )
            let again = try await test.machines.create(from: fork.commit_id, for: stranger)
            #expect(try await test.machines.summary(of: again, for: stranger).state == .running)
            #expect(try test.commitDirectories().contains(source))
        }
    }

    @Test func `other names can be chosen, taken ones are refused before anything starts`() async throws {
        try await TestDomain.run { test in
            _ = try await publish(test)
            var request = Self.request
            let taken = await refusal { _ = try await test.repositories.fork(request, for: test.principal) }
            #expect(taken?.code == .alreadyExists)
            #expect(try test.machineDirectories().isEmpty)
            request.repo_name = "mine"
            request.tag_name = "first"
            let fork = try await test.repositories.fork(request, for: test.principal)
            #expect(fork.reference == "mine:first")
            request.repo_name = "no/name"
            #expect(
                await refusal { _ = try await test.repositories.fork(request, for: test.principal) }?.code
                    == .invalidArgument
            )
            let missing = ForkRequest(source_org: "owner", source_repo: "images", source_tag: "v2", repo_name: "x")
            #expect(
                await refusal { _ = try await test.repositories.fork(missing, for: test.principal) }?.code == .notFound
            )
            let odd = ForkRequest(source_org: "owner", source_repo: "im:ages", source_tag: "v1")
            #expect(
                await refusal { _ = try await test.repositories.fork(odd, for: test.principal) }?.code
                    == .invalidArgument
            )
        }
    }

    @Test func `a fork that fails leaves nothing`() async throws {
        try await TestDomain.run { test in
            _ = try await publish(test)
            let (commits, machines) = (try test.commitDirectories(), try test.machineDirectories())
            test.guests.failIdentity(number: 1)
            let error = await refusal { _ = try await test.repositories.fork(Self.request, for: TestDomain.stranger) }
            #expect(error?.code == .timedOut)
            #expect(try test.commitDirectories() == commits)
            #expect(try test.machineDirectories() == machines)
            #expect(try await test.repositories.list(for: TestDomain.stranger).repositories.isEmpty)
            _ = try await test.repositories.fork(Self.request, for: TestDomain.stranger)
        }
    }

    @Test func `of two forks under one name one is refused, and leaves nothing`() async throws {
        try await TestDomain.run { test in
            _ = try await publish(test)
            let (repositories, stranger) = (test.repositories, TestDomain.stranger)
            let outcomes = await withTaskGroup(of: Result<ForkResponse, any Error>.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        do {
                            return .success(try await repositories.fork(Self.request, for: stranger))
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            let made = outcomes.compactMap { try? $0.get() }
            #expect(made.count == 1)
            for case .failure(let error) in outcomes { #expect((error as? VersError)?.code == .alreadyExists) }
            #expect(try test.machineDirectories() == Set(made.map(\.vm_id)))
            #expect(try await test.machines.list(for: stranger).map(\.vm_id) == made.map(\.vm_id))
        }
    }
}
