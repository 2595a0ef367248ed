import Testing
import VersAPI

@testable import VersCore

struct KeyServiceTests {
    @Test func `a created key authenticates as itself`() async throws {
        try await TestDomain.run { test in
            let key = try await test.keys.createAdministratorKey(label: "owner")
            #expect(key.utf8.count == 100)
            #expect(try await test.keys.authenticate(key).keyID.text == key.prefix(36))
        }
    }

    @Test func `wrong keys are refused with one and the same message`() async throws {
        try await TestDomain.run { test in
            let key = try await test.keys.createAdministratorKey(label: "owner")
            let other = try await test.keys.createAdministratorKey(label: "other")
            let (id, secret) = (String(key.prefix(36)), String(key.dropFirst(36)))
            let otherSecret = String(other.dropFirst(36))
            let wrong: [String] = [
                "", "x", String(key.dropLast()), "\(key)0", id, "\(KeyID())\(secret)", "\(id)\(otherSecret)",
                key.uppercased(), String(repeating: "0", count: 100), String(repeating: "ä", count: 50),
            ]
            var messages: Set<String> = []
            for text in wrong {
                let error = await #expect(throws: VersError.self, "\(text)") { try await test.keys.authenticate(text) }
                #expect(error?.code == .unauthenticated)
                messages.insert(error?.message ?? "")
            }
            #expect(messages.count == 1)
        }
    }

    @Test func `only a hash of the secret is stored`() async throws {
        try await TestDomain.run { test in
            let key = try await test.keys.createAdministratorKey(label: "owner")
            let id = try #require(KeyID(String(key.prefix(36))))
            let stored = try #require(try await test.domain.accounts.key(id)).secretHash
            #expect(stored.count == 32)
            #expect(Array(stored) == test.domain.keys.sha256(Array(key.dropFirst(36).utf8)))
        }
    }
}
