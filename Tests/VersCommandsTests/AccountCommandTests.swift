import Foundation
import Testing
import VersAPI

@testable import VersCommands

@Suite struct AccountCommandTests {
    @Test func timesAreDurationsOrRFC3339() throws {
        let now = Date(timeIntervalSince1970: 1000)
        #expect(try Expiry.date("90m", now: now).timeIntervalSince1970 == 6400)
        #expect(try Expiry.date("12h", now: now).timeIntervalSince1970 == 44_200)
        #expect(try Expiry.date("30d", now: now).timeIntervalSince1970 == 2_593_000)
        #expect(try Expiry.date("2030-01-01T00:00:00Z", now: now).timeIntervalSince1970 == 1_893_456_000)
        for text in ["", "d", "0d", "-1d", "1.5h", "30", "30w", "tomorrow", "99999999999999999999d"] {
            #expect(throws: VersError.self, "\(text)") { try Expiry.date(text, now: now) }
        }
    }

    @Test func logoutBlanksTheKeyAndKeepsTheRest() async throws {
        let test = try TestContext()
        #expect(await test.run("logout") == 0)
        #expect(test.output.text.contains("not logged in"))
        try test.write(#"{"apiKey":"secret","email":"ann@example.com"}"#, to: "home/.versrc")
        #expect(await test.run("logout") == 0)
        let text = try #require(test.read("home/.versrc"))
        #expect(!text.contains("secret") && text.contains("ann@example.com"))
        #expect(test.mode(of: "home/.versrc") == 0o600)
    }

    @Test func signingUpNeedsAServerAnAddressAndAKey() async throws {
        let test = try TestContext()
        #expect(await test.run("signup") == 5)
        #expect(test.errors.text.contains("VERS_URL"))
        test.environment["VERS_URL"] = "http://127.0.0.1:1"
        #expect(await test.run("signup") == 5)
        #expect(test.errors.text.contains("--email"))
        try test.write("[core]\n\temail = no\n[user]\n\temail = ann@example.com\n", to: "home/.gitconfig")
        #expect(await test.run("signup") == 3)
        #expect(test.errors.text.contains("id_ed25519.pub"))
        try test.write("ssh-ed25519 AAAA ann\n", to: "home/.ssh/id_rsa.pub")
        let identity = try Identity(test.context, email: nil, keyPath: nil)
        #expect(identity.email == "ann@example.com" && identity.publicKey == "ssh-ed25519 AAAA ann")
    }

    @Test func rolesAreChecked() async throws {
        let test = try TestContext()
        #expect(await test.run("org", "add", "acme", "ann@example.com", "--role", "king") == 5)
        #expect(test.errors.text.contains("king"))
    }
}
