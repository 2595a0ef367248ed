import APITestSupport
import Foundation
import Testing
import VersAPI

@testable import VersCore

/// Signing up and in from a shell.
struct RegistrationTests {
    private static let sshKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH ann@laptop"
    private static let otherKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"

    private func refusal(_ body: () async throws -> Void) async -> ErrorCode? {
        await #expect(throws: VersError.self) { try await body() }?.code
    }

    private func start(_ test: TestDomain, _ email: String, bound: Bool = false) async throws -> ShellAuthResponse {
        let request = ShellAuthRequest(email: email, ssh_public_key: Self.sshKey, bind_nonce: bound)
        return try await test.accounts.startRegistration(request)
    }

    @Test func `a closed server knows only those whom the administrator has added`() async throws {
        try await TestDomain.run { test in
            #expect(await refusal { _ = try await start(test, "ann@example.com") } == .forbidden)
            _ = try await test.organisation("ann")
            #expect(try await start(test, "ann@example.com").is_new_user == false)
        }
    }

    @Test func `an approval is good for one key, in an organisation of one's own`() async throws {
        try await TestDomain.run(registration: .open) { test in
            let root = try await test.administrator().principal
            let started = try await start(test, "Ann@Example.com")
            #expect(started.is_new_user && !started.already_verified && started.email == "ann@example.com")
            let verify = VerifyKeyRequest(email: "ann@example.com", ssh_public_key: Self.sshKey)
            let make = ShellAuthKeyRequest(
                email: "ann@example.com",
                ssh_public_key: Self.sshKey,
                label: "vers-cli-laptop"
            )
            #expect(await refusal { _ = try await test.accounts.verifyRegistration(verify) } == .unauthenticated)
            #expect(await refusal { _ = try await test.accounts.createKey(make) } == .unauthenticated)
            #expect(try await start(test, "ann@example.com").registration_id == started.registration_id)

            let waiting = try await test.accounts.listRegistrations(for: root).registrations
            #expect(waiting.map(\.registration_id) == [started.registration_id])
            let limits = ApproveRegistrationRequest(max_memory_mib: 512, max_vms: 2)
            try await test.accounts.approveRegistration(started.registration_id, limits, for: root)
            #expect(try await test.accounts.listRegistrations(for: root).registrations.isEmpty)
            #expect(try await start(test, "ann@example.com").already_verified)

            // Another key is not approved with it, whatever its comment says.
            let wrong = VerifyKeyRequest(email: "ann@example.com", ssh_public_key: Self.otherKey)
            #expect(await refusal { _ = try await test.accounts.verifyRegistration(wrong) } == .unauthenticated)
            let verified = try await test.accounts.verifyRegistration(verify)
            #expect(verified.orgs.map(\.name) == ["ann"] && verified.orgs[0].role == .owner)
            let made = try await test.accounts.createKey(make)
            #expect(made.org_name == "ann")
            let principal = try await test.keys.authenticate(made.api_key)
            #expect(principal.organisationID == made.org_id)
            let who = try await test.accounts.whoAmI(principal)
            #expect(who.user.email == "ann@example.com")
            #expect(who.api_key.max_memory_mib == 512 && who.api_key.max_vcpus == nil && who.api_key.max_vms == 2)
            #expect(await refusal { _ = try await test.accounts.createKey(make) } == .unauthenticated)
        }
    }

    @Test func `a bound registration needs what only its starter was told`() async throws {
        try await TestDomain.run(registration: .open) { test in
            let root = try await test.administrator().principal
            let started = try await start(test, "ann@example.com", bound: true)
            try await test.accounts.approveRegistration(started.registration_id, .init(), for: root)
            for nonce in [nil, "", "guess"] {
                let request = VerifyKeyRequest(
                    email: "ann@example.com",
                    ssh_public_key: Self.sshKey,
                    nonce: nonce
                )
                #expect(await refusal { _ = try await test.accounts.verifyRegistration(request) } == .unauthenticated)
            }
            let request = VerifyKeyRequest(
                email: "ann@example.com",
                ssh_public_key: Self.sshKey,
                nonce: started.nonce
            )
            #expect(try await test.accounts.verifyRegistration(request).verified)
        }
    }

    @Test func `an address with a plus shares its base's organisations`() async throws {
        try await TestDomain.run { test in
            let root = try await test.administrator().principal
            #expect(await refusal { _ = try await start(test, "ann+agent@example.com") } == .forbidden)
            let ann = try await test.organisation("ann")
            let started = try await start(test, "ann+agent@example.com")
            try await test.accounts.approveRegistration(started.registration_id, .init(), for: root)
            let made = try await test.accounts.createKey(
                .init(email: "ann+agent@example.com", ssh_public_key: Self.sshKey, label: "agent")
            )
            #expect(made.org_id == ann.id)
            let role = try await test.accounts.whoAmI(try await test.keys.authenticate(made.api_key)).org.role
            #expect(role == .member)
        }
    }

    @Test func `who is in several organisations must say which`() async throws {
        try await TestDomain.run(registration: .open) { test in
            let root = try await test.administrator().principal
            for name in ["one", "two"] {
                let made = try await test.accounts.createOrganisation(.init(name: name), for: root)
                let member = SetMemberRequest(email: "ann@example.com", role: .member)
                _ = try await test.accounts.setMember(of: made.org_id, member, for: root)
            }
            let started = try await start(test, "ann@example.com")
            try await test.accounts.approveRegistration(started.registration_id, .init(), for: root)
            func make(_ organisation: String?) async throws -> ShellAuthKeyResponse {
                try await test.accounts.createKey(
                    .init(
                        email: "ann@example.com",
                        ssh_public_key: Self.sshKey,
                        label: "laptop",
                        org_name: organisation
                    )
                )
            }
            #expect(await refusal { _ = try await make(nil) } == .invalidArgument)
            #expect(await refusal { _ = try await make("three") } == .notFound)
            #expect(try await make("two").org_name == "two")
        }
    }

    @Test func `a flood of registrations is bounded`() async throws {
        try await TestDomain.run(registration: .open) { test in
            for _ in 0..<5 { _ = try await start(test, "ann@example.com", bound: true) }
            #expect(await refusal { _ = try await start(test, "ann@example.com", bound: true) } == .unavailable)
            for number in 0..<95 { _ = try await start(test, "user\(number)@example.com") }
            #expect(await refusal { _ = try await start(test, "one-more@example.com") } == .unavailable)
            let root = try await test.administrator().principal
            let waiting = try await test.accounts.listRegistrations(for: root).registrations
            #expect(waiting.count == 100)
            try await test.accounts.rejectRegistration(waiting[0].registration_id, for: root)
            _ = try await start(test, "one-more@example.com")
        }
    }

    @Test(arguments: ["", "ssh-ed25519", "ssh-foo AAAA", "ssh-ed25519 ?", "ssh-ed25519 AAAAB3NzaC1yc2E="])
    func `what is no public key is refused`(key: String) async throws {
        try await TestDomain.run(registration: .open) { test in
            let request = ShellAuthRequest(email: "ann@example.com", ssh_public_key: key)
            #expect(await refusal { _ = try await test.accounts.startRegistration(request) } == .invalidArgument)
        }
    }

    @Test func `the routes answer as clients of the public service expect`() async throws {
        try await TestDomain.run(registration: .open) { test in
            try await TestServer.run(test) { server in
                let person = #""email":"ann@example.com","ssh_public_key":"\#(Self.sshKey)""#
                func post(_ path: String, _ body: String) async throws -> RawHTTP.Answer {
                    let path = "/api/shell-auth\(path)"
                    return try await RawHTTP.send("POST", path, body: body, headers: [:], to: server.socket)
                }
                let started = try await post("", "{\(person)}")
                #expect(started.status == 200 && started.body.contains(#""already_verified":false"#))
                let pending = try await post("/verify-key", "{\(person)}")
                #expect(pending.status == 401 && pending.headers["content-type"] == "application/json")
                let fields = [#""verified":false"#, #""is_active":false"#, #""reason":"#, #""code":"unauthenticated""#]
                for field in fields { #expect(pending.body.contains(field), "\(pending.body)") }
                let root = try await test.administrator().principal
                let id = try await test.accounts.listRegistrations(for: root).registrations[0].registration_id
                try await test.accounts.approveRegistration(id, .init(), for: root)
                #expect(try await post("/verify-public-key", "{\(person)}").status == 200)
                let short = try await post("/api-keys", #"{\#(person),"label":"cli"}"#)
                #expect(short.status == 400 && short.body.contains("invalid_argument"))
                let made = try await post("/api-keys", #"{\#(person),"label":"vers-cli"}"#)
                #expect(made.status == 200 && made.body.contains(#""success":true"#))
                #expect(try await post("/api-keys", #"{\#(person),"label":"vers-cli"}"#).status == 401)
                #expect(try await post("", "{}").status == 422)
            }
        }
    }
}
