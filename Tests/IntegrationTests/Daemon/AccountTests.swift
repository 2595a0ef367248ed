import Foundation
import SystemPackage
import Testing
import VersAPI
import VersClient

extension IntegrationTests {
    /// Organisations and keys on a real instance, by the command line.
    @Suite(.needs(image: "tiny"), .instance(), .serialized) struct Accounts {
        private let instance: Instance

        init() throws { instance = try Instance.current }

        @Test func `an organisation's key sees its own VMs, keeps its limits, and ends when it is revoked`()
            async throws
        {
            let owner = try instance.client()
            let machine = try await owner.newTiny()
            try await instance.ok("org create acme")
            try await instance.ok("org add acme ann@example.com --role admin")
            let made = try await instance.ok("key create ann --org acme --user ann@example.com --max-vms 1 -q")
            let key = made.stdout.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(key.count == 100)

            let ann = try VersClient(unixSocket: instance.home.appending("versd.sock"), apiKey: key)
            try await VersClient.with(ann) { ann in
                #expect(try await ann.whoAmI().org.name == "acme")
                #expect(try await ann.machines().isEmpty)
                let error = try await ann.refusal { _ = try await $0.machine(machine) }
                #expect(error.code == .notFound)
                let own = try await ann.newTiny()
                #expect(try await ann.sh(own, "echo here") == "here")
                let limit = try await ann.refusal { _ = try await $0.branch(own) }
                #expect(limit.code == .limitExceeded)
                #expect(try await owner.machines().map(\.vm_id) == [machine])

                try await instance.ok("key revoke", String(key.prefix(36)))
                let revoked = try await ann.refusal { _ = try await $0.machines() }
                #expect(revoked.code == .unauthenticated)

                // The VM lives on, and is the organisation's: its next key finds it.
                let next = try await instance.ok("key create next --org acme -q").stdout
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                let colleague = try VersClient(unixSocket: instance.home.appending("versd.sock"), apiKey: next)
                try await VersClient.with(colleague) { colleague in
                    #expect(try await colleague.sh(own, "echo here") == "here")
                    try await colleague.deleteMachine(own)
                }
            }
            let text = try await instance.ok("key list --org acme").stdout
            #expect(text.contains("next") && !text.contains(" ann "))
            try await instance.ok("org delete acme")
            try await owner.deleteMachine(machine)
        }

        @Test func `who signs up gets a key when the administrator approves`() async throws {
            let server = URL(filePath: instance.home.appending("daemon.json").string)
            let description = try JSONDecoder().decode(DaemonDescription.self, from: Data(contentsOf: server))
            let user = instance.root.appending("user")
            let keyFile = user.appending("id.pub").string
            let publicKey =
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH bob@laptop"
            try publicKey.write(toFile: keyFile, atomically: true, encoding: .utf8)
            let environment = ["VERS_URL": description.url]
            let line = ["signup", "--email", "bob@example.com", "--ssh-key", keyFile]
            let closed = try await instance.vers(line, environment: environment)
            #expect(closed.status == 2 && closed.stderr.contains("registration is closed"), "\(closed)")

            try await instance.ok("org add owner bob@example.com")
            let signup = try instance.startVers(line, environment: environment)
            defer { signup.forget() }
            let owner = try instance.client()
            try await eventually("the registration to wait") { try await !owner.registrations().isEmpty }
            let id = try await owner.registrations()[0].registration_id
            try await instance.ok("registration approve", String(id.text.prefix(8)))
            let result = try await signup.result(within: .seconds(60))
            #expect(result.status == 0, "\(result)")
            let who = try await instance.vers(["whoami"], environment: environment)
            #expect(who.stdout.contains("bob@example.com") && who.stdout.contains("member"), "\(who)")
            #expect(try mode(of: user.appending(".versrc").string) == 0o600)
            let logout = try await instance.vers(["logout"], environment: environment)
            #expect(logout.status == 0)
            #expect(try await instance.vers(["whoami"], environment: environment).status == 2)
        }

        @Test func `the owner's key is replaced before the old one is revoked`() async throws {
            let old = try instance.key
            let id = String(old.prefix(36))
            let refused = try await instance.vers(["key", "revoke", id])
            #expect(refused.status == 4, "\(refused)")
            #expect(refused.stderr.contains("hint: "), "\(refused)")
            try await instance.ok("status")
            try FileManager.default.removeItem(atPath: instance.home.appending("owner.key").string)
            try await instance.restartDaemon()
            #expect(try instance.key != old)
            try await instance.ok("key revoke", id)
            try await instance.ok("status")
            let stranger = try VersClient(unixSocket: instance.home.appending("versd.sock"), apiKey: old)
            await #expect(throws: VersError.self) { try await stranger.machines() }
            try await stranger.shutdown()
        }

        private func mode(of path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
    }
}
