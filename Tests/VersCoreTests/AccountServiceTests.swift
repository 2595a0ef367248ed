import Foundation
import Testing
import VersAPI

@testable import VersCore

struct AccountServiceTests {
    /// The code of the error that `body` throws.
    private func refusal(_ body: () async throws -> Void) async -> ErrorCode? {
        await #expect(throws: VersError.self) { try await body() }?.code
    }

    @Test func `whoami tells user, organisation and limits`() async throws {
        try await TestDomain.run { test in
            let limits = KeyLimits(memoryMiB: 256, vcpuCount: 2, machines: 3)
            let acme = try await test.organisation("acme", role: .member, limits: limits)
            let answer = try await test.accounts.whoAmI(acme.principal)
            #expect(answer.user.email == "acme@example.com" && answer.user.user_name == "acme")
            #expect(answer.org == .init(id: acme.id, name: "acme", role: .member))
            #expect(answer.api_key.max_memory_mib == 256 && answer.api_key.max_vcpus == 2)
            #expect(answer.api_key.max_vms == 3 && !answer.api_key.is_administrator)
            let owner = try await test.accounts.whoAmI(try await test.administrator().principal)
            #expect(owner.org.id == .owner && owner.user.id == .owner && owner.api_key.is_administrator)
        }
    }

    @Test func `expired and revoked keys are refused, and what they made stays the organisation's`() async throws {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme")
            // Long enough for what follows on a busy machine.
            let end = Date().addingTimeInterval(4)
            let request = CreateKeyRequest(label: "short", expires_at: end)
            let short = try await test.accounts.createKey(request, for: acme.principal).api_key
            let machine = try await test.create(for: try await test.keys.authenticate(short))
            try await Task.sleep(until: .now + .seconds(end.timeIntervalSinceNow + 0.1))
            #expect(await refusal { _ = try await test.keys.authenticate(short) } == .unauthenticated)
            let kept = try await test.accounts.createKey(CreateKeyRequest(label: "kept"), for: acme.principal)
            try await test.accounts.revokeKey(kept.key.key_id, for: acme.principal)
            try await test.accounts.revokeKey(kept.key.key_id, for: acme.principal)
            #expect(await refusal { _ = try await test.keys.authenticate(kept.api_key) } == .unauthenticated)
            #expect(try await test.machines.summary(of: machine, for: acme.principal).state == .running)
            let labels = try await test.accounts.listKeys(of: nil, for: acme.principal).keys.map(\.label)
            #expect(labels == ["acme", "short"])
        }
    }

    @Test func `a key makes no key that may do more than itself`() async throws {
        try await TestDomain.run { test in
            let narrow = try await test.organisation("acme", limits: KeyLimits(memoryMiB: 256, machines: 2))
            let wish = CreateKeyRequest(label: "wide", max_memory_mib: 1024, max_vcpus: 4)
            let made = try await test.accounts.createKey(wish, for: narrow.principal).key
            #expect(made.max_memory_mib == 256 && made.max_vcpus == 4 && made.max_vms == 2)
            #expect(!made.is_administrator && made.org_id == narrow.id)
        }
    }

    @Test func `members use, admins manage their own organisation, the administrator everything`() async throws {
        try await TestDomain.run { test in
            let member = try await test.organisation("members", role: .member)
            let admin = try await test.organisation("admins", role: .admin)
            let root = try await test.administrator().principal
            let accounts = test.accounts
            #expect(await refusal { _ = try await accounts.listKeys(of: nil, for: member.principal) } == .forbidden)
            #expect(
                await refusal { _ = try await accounts.createKey(.init(label: "x"), for: member.principal) }
                    == .forbidden
            )
            _ = try await accounts.createKey(.init(label: "x"), for: admin.principal)
            for principal in [member.principal, admin.principal] {
                #expect(
                    await refusal { _ = try await accounts.createOrganisation(.init(name: "x"), for: principal) }
                        == .forbidden
                )
                #expect(await refusal { _ = try await accounts.listRegistrations(for: principal) } == .forbidden)
                #expect(try await accounts.listOrganisations(for: principal).orgs.count == 1)
            }
            #expect(try await accounts.listOrganisations(for: root).orgs.map(\.name) == ["admins", "members", "owner"])
            #expect(try await accounts.listKeys(of: member.id, for: root).keys.count == 1)
            // A member may give up its own key, and nobody revokes the administrator's.
            #expect(
                await refusal { try await accounts.revokeKey(root.keyID, for: admin.principal) } == .notFound
            )
            try await accounts.revokeKey(member.principal.keyID, for: member.principal)
            #expect(await refusal { _ = try await test.keys.authenticate(member.key) } == .unauthenticated)
        }
    }

    @Test func `who leaves an organisation has no key of it any more`() async throws {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme")
            let root = try await test.administrator().principal
            let member = try #require(
                try await test.accounts.listMembers(of: acme.id, for: root).members.first {
                    $0.email == "acme@example.com"
                }
            )
            try await test.accounts.removeMember(member.user_id, of: acme.id, for: root)
            #expect(await refusal { _ = try await test.keys.authenticate(acme.key) } == .unauthenticated)
            #expect(
                await refusal { try await test.accounts.removeMember(member.user_id, of: acme.id, for: root) }
                    == .notFound
            )
            #expect(
                await refusal { try await test.accounts.removeMember(.owner, of: .owner, for: root) } == .forbidden
            )
        }
    }

    @Test func `the last key of the administrator stays`() async throws {
        try await TestDomain.run { test in
            let first = try await test.administrator()
            let id = first.principal.keyID
            #expect(await refusal { try await test.accounts.revokeKey(id, for: first.principal) } == .conflict)
            _ = try await test.keys.authenticate(first.key)
            let second = try await test.administrator()
            try await test.accounts.revokeKey(id, for: first.principal)
            #expect(await refusal { _ = try await test.keys.authenticate(first.key) } == .unauthenticated)
            let last = second.principal.keyID
            #expect(await refusal { try await test.accounts.revokeKey(last, for: second.principal) } == .conflict)
        }
    }

    @Test func `only an empty organisation is deleted, with its keys`() async throws {
        try await TestDomain.run { test in
            let acme = try await test.organisation("acme")
            let root = try await test.administrator().principal
            let machine = try await test.create(for: acme.principal)
            #expect(await refusal { try await test.accounts.deleteOrganisation(acme.id, for: root) } == .inUse)
            _ = try await test.machines.delete(machine, recursive: false, skipWaitBoot: false, for: acme.principal)
            let image = ImportedImage(
                id: BaseImageID(),
                organisationID: acme.id,
                ownerID: acme.principal.keyID,
                name: "image",
                source: .upload,
                size: .automatic,
                description: nil,
                createdAt: Date(),
                state: .ready
            )
            _ = try await test.domain.importedImages.insert(image)
            #expect(await refusal { try await test.accounts.deleteOrganisation(acme.id, for: root) } == .inUse)
            try await test.domain.importedImages.remove(image.id)
            try await test.accounts.deleteOrganisation(acme.id, for: root)
            #expect(await refusal { _ = try await test.keys.authenticate(acme.key) } == .unauthenticated)
            #expect(await refusal { try await test.accounts.deleteOrganisation(.owner, for: root) } == .forbidden)
            // The name is free again.
            _ = try await test.organisation("acme")
        }
    }

    @Test func `bad values are refused by name`() async throws {
        try await TestDomain.run { test in
            let root = try await test.administrator().principal
            let long = String(repeating: "x", count: 101)
            let wrong: [CreateKeyRequest] = [
                .init(label: ""), .init(label: long), .init(label: "a\nb"), .init(label: "x", user_email: "nobody"),
                .init(label: "x", expires_at: Date(timeIntervalSince1970: 0)), .init(label: "x", max_memory_mib: 0),
                .init(label: "x", max_vcpus: -1), .init(label: "x", max_vms: -1),
            ]
            for request in wrong {
                #expect(
                    await refusal { _ = try await test.accounts.createKey(request, for: root) } == .invalidArgument,
                    "\(request)"
                )
            }
            for name in ["", "a/b", "../x", String(repeating: "x", count: 65)] {
                #expect(
                    await refusal { _ = try await test.accounts.createOrganisation(.init(name: name), for: root) }
                        == .invalidArgument
                )
            }
            #expect(
                await refusal { _ = try await test.accounts.createOrganisation(.init(name: "owner"), for: root) }
                    == .alreadyExists
            )
            for email in ["", "a", "a@", "@b", "a@b@c", "a b@c", "a@b\n", "\u{e9}@b"] {
                #expect(
                    await refusal {
                        _ = try await test.accounts.setMember(of: .owner, .init(email: email, role: .member), for: root)
                    } == .invalidArgument,
                    "\(email)"
                )
            }
        }
    }
}
