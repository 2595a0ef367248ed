import Testing
import VersAPI

@testable import VersCore

struct RepositoryServiceTests {
    /// A repository `images` with a tag `v1`.
    private func makeRepository(_ test: TestDomain) async throws -> CommitID {
        let commit = try await test.lonelyCommit()
        _ = try await test.repositories.create(
            RepositoryCreateRequest(name: "images", description: "d"),
            for: test.principal
        )
        let request = TagCreateRequest(tag_name: "v1", commit_id: commit)
        let made = try await test.repositories.createTag(request, in: "images", for: test.principal)
        #expect(made.reference == "images:v1")
        return commit
    }

    @Test func `a repository and its tags`() async throws {
        try await TestDomain.run { test in
            let commit = try await makeRepository(test)
            let repositories = test.repositories
            let info = try await repositories.info(of: "images", for: test.principal)
            #expect(info.name == "images" && !info.is_public && info.description == "d")
            #expect(try await repositories.list(for: test.principal).repositories == [info])
            let tag = try await repositories.tag("v1", of: "images", for: test.principal)
            #expect(tag.reference == "images:v1" && tag.commit_id == commit)
            let edit = TagEditRequest(description: .set("first"))
            try await repositories.editTag("v1", of: "images", edit, for: test.principal)
            let list = try await repositories.tags(of: "images", for: test.principal)
            #expect(list.repository == "images" && list.tags.map(\.description) == ["first"])
            let reference = try #require(TagReference("images:v1"))
            #expect(try await test.tags.commit(named: .reference(reference), for: test.principal) == commit)
            // Tags of an organisation are other ones.
            #expect(await refusal { _ = try await test.tags.info(of: "v1", for: test.principal) }?.code == .notFound)
            try await repositories.deleteTag("v1", of: "images", for: test.principal)
            let missing = await refusal {
                _ = try await test.tags.commit(named: .reference(reference), for: test.principal)
            }
            #expect(missing?.code == .notFound)
            #expect(missing?.message.contains("tag not found: 'images:v1'") == true)
        }
    }

    @Test func `what does not fit is refused`() async throws {
        try await TestDomain.run { test in
            let commit = try await makeRepository(test)
            let repositories = test.repositories
            for (name, code) in [
                ("images", ErrorCode.alreadyExists), ("a/b", .invalidArgument), ("fork", .invalidArgument),
                ("", .invalidArgument), (commit.text, .invalidArgument),
            ] {
                let error = await refusal {
                    _ = try await repositories.create(RepositoryCreateRequest(name: name), for: test.principal)
                }
                #expect(error?.code == code, "\(name)")
            }
            let request = TagCreateRequest(tag_name: "v1", commit_id: commit)
            for (repository, code) in [("images", ErrorCode.alreadyExists), ("none", .notFound)] {
                let error = await refusal {
                    _ = try await repositories.createTag(request, in: repository, for: test.principal)
                }
                #expect(error?.code == code)
            }
            #expect(await refusal { try await repositories.delete("none", for: test.principal) }?.code == .notFound)
            let hidden = await refusal {
                try await repositories.setVisibility(of: "images", isPublic: true, for: TestDomain.stranger)
            }
            #expect(hidden?.code == .notFound)
        }
    }

    @Test func `only public repositories are seen from outside, and what they name can be started`() async throws {
        try await TestDomain.run { test in
            let commit = try await makeRepository(test)
            let repositories = test.repositories
            let stranger = TestDomain.stranger
            let reference = CommitName.reference(
                TagReference(organisation: "owner", repository: "images", tag: "v1")
            )
            #expect(try await repositories.publicList().repositories.isEmpty)
            #expect(
                await refusal { _ = try await repositories.publicTags(of: "images", in: "owner") }?.code == .notFound
            )
            #expect(
                await refusal { _ = try await test.tags.commit(named: reference, for: stranger) }?.code == .notFound
            )
            // One's own organisation may be written out.
            #expect(try await test.tags.commit(named: reference, for: test.principal) == commit)

            try await repositories.setVisibility(of: "images", isPublic: true, for: test.principal)
            #expect(try await repositories.publicList().repositories.map(\.full_name) == ["owner/images"])
            #expect(try await repositories.publicInfo(of: "images", in: "owner").org_name == "owner")
            let tag = try await repositories.publicTag("v1", of: "images", in: "owner")
            #expect(tag.reference == "owner/images:v1" && tag.commit_id == commit)
            #expect(try await test.tags.commit(named: reference, for: stranger) == commit)
            #expect(try await test.tags.commit(named: .id(commit), for: stranger) == commit)
            #expect(await refusal { _ = try await repositories.publicInfo(of: "images", in: "x") }?.code == .notFound)

            try await repositories.setVisibility(of: "images", isPublic: false, for: test.principal)
            #expect(
                await refusal { _ = try await test.tags.commit(named: .id(commit), for: stranger) }?.code == .notFound
            )
        }
    }
}
