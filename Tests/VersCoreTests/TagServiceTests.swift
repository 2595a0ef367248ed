import Testing
import VersAPI

@testable import VersCore

struct TagServiceTests {
    @Test func `a tag is created, found, moved, described and deleted`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let (first, second) = (try await test.commit(machine), try await test.commit(machine))
            let made = try await test.tags.create(
                TagCreateRequest(tag_name: "golden", commit_id: first, description: "good"),
                for: test.principal
            )
            #expect(made.commit_id == first)
            let info = try await test.tags.info(of: "golden", for: test.principal)
            #expect(info.tag_id == made.tag_id && info.description == "good" && info.updated_at == info.created_at)
            try await test.tags.edit("golden", TagEditRequest(commit_id: second), for: test.principal)
            let moved = try await test.tags.info(of: "golden", for: test.principal)
            #expect(moved.commit_id == second && moved.description == "good" && moved.updated_at > info.updated_at)
            try await test.tags.edit("golden", TagEditRequest(description: .clear), for: test.principal)
            #expect(try await test.tags.info(of: "golden", for: test.principal).description == nil)
            #expect(try await test.tags.list(for: test.principal).tags.map(\.tag_name) == ["golden"])
            try await test.tags.delete("golden", for: test.principal)
            #expect(try await test.tags.list(for: test.principal).tags.isEmpty)
            for attempt in [
                { _ = try await test.tags.info(of: "golden", for: test.principal) },
                { try await test.tags.delete("golden", for: test.principal) },
                { try await test.tags.edit("golden", TagEditRequest(description: .clear), for: test.principal) },
            ] as [() async throws -> Void] {
                #expect(await refusal { try await attempt() }?.code == .notFound)
            }
            // The commits stay.
            #expect(try await test.commits.list(limit: 10, offset: 0).total == 2)
        }
    }

    @Test(arguments: ["", "-x", ".", "a b", "a/b", "a:b", "ü", String(repeating: "x", count: 65)])
    func `a name that is none is refused`(name: String) async throws {
        try await TestDomain.run { test in
            let error = await refusal {
                _ = try await test.tags.create(
                    TagCreateRequest(tag_name: name, commit_id: CommitID()),
                    for: test.principal
                )
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("invalid tag name") == true)
        }
    }

    @Test func `what does not fit is refused`() async throws {
        try await TestDomain.run { test in
            let commit = try await test.lonelyCommit()
            let request = TagCreateRequest(tag_name: "t", commit_id: commit)
            _ = try await test.tags.create(request, for: test.principal)
            let twice = await refusal { _ = try await test.tags.create(request, for: test.principal) }
            #expect(twice?.code == .alreadyExists)
            #expect(twice?.message.contains("'t'") == true)
            let id = CommitID()
            let likeAnID = TagCreateRequest(tag_name: id.text, commit_id: commit)
            #expect(
                await refusal { _ = try await test.tags.create(likeAnID, for: test.principal) }?.code
                    == .invalidArgument
            )
            let nowhere = TagCreateRequest(tag_name: "u", commit_id: id)
            #expect(await refusal { _ = try await test.tags.create(nowhere, for: test.principal) }?.code == .notFound)
            let moved = TagEditRequest(commit_id: id)
            #expect(await refusal { try await test.tags.edit("t", moved, for: test.principal) }?.code == .notFound)
            let nothing = await refusal { try await test.tags.edit("t", TagEditRequest(), for: test.principal) }
            #expect(nothing?.code == .invalidArgument)
        }
    }

    @Test func `a commit that tags name is not deleted, and the refusal names them`() async throws {
        try await TestDomain.run { test in
            let commit = try await test.lonelyCommit()
            let create = TagCreateRequest(tag_name: "golden", commit_id: commit)
            _ = try await test.tags.create(create, for: test.principal)
            _ = try await test.repositories.create(RepositoryCreateRequest(name: "images"), for: test.principal)
            let request = TagCreateRequest(tag_name: "v1", commit_id: commit)
            _ = try await test.repositories.createTag(request, in: "images", for: test.principal)
            let error = await refusal { try await test.commits.delete(commit) }
            #expect(error?.code == .inUse)
            #expect(error?.message.hasSuffix("2 tag(s): golden, images:v1") == true)
            try await test.tags.delete("golden", for: test.principal)
            let rest = await refusal { try await test.commits.delete(commit) }
            #expect(rest?.message.hasSuffix("1 tag(s): images:v1") == true)
            try await test.repositories.delete("images", for: test.principal)
            try await test.commits.delete(commit)
        }
    }

    @Test func `what a branch made stays once a tag has named it`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            let child = try await test.branch(machine)[0]
            let commit = try #require(try await test.record(child)?.parentCommitID)
            let request = TagCreateRequest(tag_name: "kept", commit_id: commit)
            _ = try await test.tags.create(request, for: test.principal)
            #expect(try await test.domain.metadata.commit(commit)?.isDurable == true)
            _ = try await test.machines.delete(machine, recursive: true, skipWaitBoot: false)
            #expect(try test.commitDirectories().contains(commit))
            let named = try await test.tags.commit(named: .tag("kept"), for: test.principal)
            let again = try await test.machines.create(from: named, owner: test.owner)
            _ = try await test.machines.delete(again, recursive: false, skipWaitBoot: false)
            try await test.tags.delete("kept", for: test.principal)
            // Deleting a tag never deletes a commit.
            await LayerReclaimer(domain: test.domain).reclaim()
            #expect(try test.commitDirectories().contains(commit))
            #expect(try await test.commits.list(limit: 10, offset: 0).commits.map(\.commit_id) == [commit])
            try await test.commits.delete(commit)
            #expect(try !test.commitDirectories().contains(commit))
        }
    }

    @Test func `the memory of a sleeping VM gets no tag`() async throws {
        try await TestDomain.run { test in
            let machine = try await test.create()
            try await test.machines.setState(of: machine, to: .sleeping, skipWaitBoot: false)
            let sleep = try #require(try await test.record(machine)?.sleepCommitID)
            let request = TagCreateRequest(tag_name: "t", commit_id: sleep)
            let error = await refusal { _ = try await test.tags.create(request, for: test.principal) }
            #expect(error?.code == .conflict)
            try await test.machines.setState(of: machine, to: .running, skipWaitBoot: false)
        }
    }

    @Test func `organisations do not see each other's tags and commits, except public ones`() async throws {
        try await TestDomain.run { test in
            let commit = try await test.lonelyCommit()
            let request = TagCreateRequest(tag_name: "t", commit_id: commit)
            _ = try await test.tags.create(request, for: test.principal)
            let stranger = TestDomain.stranger
            #expect(try await test.tags.list(for: stranger).tags.isEmpty)
            #expect(
                await refusal { _ = try await test.tags.commit(named: .tag("t"), for: stranger) }?.code == .notFound
            )
            #expect(
                await refusal { _ = try await test.tags.commit(named: .id(commit), for: stranger) }?.code == .notFound
            )
            #expect(await refusal { _ = try await test.tags.create(request, for: stranger) }?.code == .notFound)
            _ = try await test.commits.edit(commit, CommitEditRequest(is_public: true))
            #expect(try await test.tags.commit(named: .id(commit), for: stranger) == commit)
            // Another's commit could never be deleted again if everybody might tag it.
            #expect(await refusal { _ = try await test.tags.create(request, for: stranger) }?.code == .forbidden)
        }
    }
}
