import Foundation
import Testing
import VersAPI
import VersCore

@testable import FrontDoor

struct PrivateAccessTests {
    private static let port: UInt16 = 8080

    /// Asks a private VM that echoes on two ports.
    private static func ask(_ head: String, port: UInt16 = Self.port, _ door: DoorFixture) async throws -> String {
        try await door.connect(to: "\(port)-\(door.name)", protocols: ["http/1.1"]) { client in
            try await client.send(head + "\r\n\r\n")
            client.end()
            return try await client.text()
        }
    }

    private static func run(_ body: (DoorFixture) async throws -> Void) async throws {
        try await DoorFixture.run {
            $0.firstBytesDeadline = .milliseconds(300)
        } _: { door in
            door.domain.change { $0.isPrivate = true }
            door.domain.serve(port, DomainDouble.echo)
            door.domain.serve(port + 1, DomainDouble.echo)
            door.domain.serve(22, DomainDouble.banner("SSH-2.0-guest\r\n"))
            try await body(door)
        }
    }

    @Test func `a link lets a browser in, on its port and in its time only`() async throws {
        try await Self.run { door in
            let machine = door.domain.machine
            func link(_ seconds: Double) async throws -> String {
                let url = try await door.door.link(to: machine, port: Self.port, validUntil: Date() + seconds)
                let prefix = "https://\(Self.port)-\(door.name):\(door.port)/?vers_token="
                #expect(url.hasPrefix(prefix))
                return String(url.dropFirst(prefix.count))
            }
            let token = try await link(60)
            let answer = try await Self.ask("GET //a?x=1&vers_token=\(token)&y=2 HTTP/1.1\r\nHost: x", door)
            #expect(answer.hasPrefix("HTTP/1.1 302 Found\r\nLocation: /a?x=1&y=2\r\n"))
            #expect(answer.contains("Set-Cookie: vers_link_8080=\(token); Path=/; Max-Age="))
            #expect(door.domain.guests.isEmpty)
            let request = "GET /a HTTP/1.1\r\nHost: x\r\nCookie: a=b; vers_link_8080=\(token)"
            #expect(try await Self.ask(request, door) == request + "\r\n\r\n")
            let form = "POST /a?vers_token=\(token) HTTP/1.1\r\nHost: x"
            #expect(try await Self.ask(form, door) == form + "\r\n\r\n")

            let old = try await link(-1)
            var forged = token
            forged.replaceSubrange(forged.startIndex...forged.startIndex, with: token.first == "A" ? "B" : "A")
            let refused = [
                try await Self.ask("GET / HTTP/1.1\r\nCookie: vers_link_8080=\(old)", door),
                try await Self.ask("GET /?vers_token=\(forged) HTTP/1.1", door),
                try await Self.ask("GET /?vers_token= HTTP/1.1", door),
                try await Self.ask("GET / HTTP/1.1", door),
                try await Self.ask("GET / HTTP/1.1\r\nCookie: vers_link_8081=\(token)", port: Self.port + 1, door),
            ]
            for answer in refused { #expect(answer.hasPrefix("HTTP/1.1 401 Unauthorized\r\n"), "\(answer)") }
        }
    }

    @Test func `a key of the vm's organisation lets in`() async throws {
        try await Self.run { door in
            let good = "GET / HTTP/1.1\r\nauthorization: bearer good key"
            #expect(try await Self.ask(good, door) == good + "\r\n\r\n")
            for key in ["bad key", "foreign key"] {
                let answer = try await Self.ask("GET / HTTP/1.1\r\nAuthorization: Bearer \(key)", door)
                #expect(answer.hasPrefix("HTTP/1.1 401 "))
                #expect(!answer.contains(key))
            }
            let tunnel = try await door.connect(protocols: ["vers-tunnel/1"]) { client in
                try await client.send("{\"key\":\"good key\",\"port\":8080}\nx")
                client.end()
                return try await client.text()
            }
            #expect(tunnel == "{\"ok\":true}\nx")
        }
    }

    @Test func `what is no http is closed, and ssh is let in`() async throws {
        try await Self.run { door in
            for bytes in [
                "", "hello there\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "SSH-2.0-x\r\n", "GET / HTTP/1.1\r\nX: y\r\n",
            ] {
                let answer = try await door.connect(to: "8080-\(door.name)") { client in
                    try await client.send(bytes)
                    return try await client.text()
                }
                #expect(answer.isEmpty, "\(bytes)")
            }
            #expect(door.domain.guests.isEmpty)
            let ssh = try await door.connect { client in
                try await client.send("SSH-2.0-client\r\n")
                return try await client.text(atLeast: 15)
            }
            #expect(ssh.hasPrefix("SSH-2.0-guest\r\n"))
        }
    }

    @Test func `no head is too strange`() {
        let parts = [
            "GET ", "/", "//", "?", "&", "vers_token=", " HTTP/1.1", "\r\n", "\n", ":", "Cookie: ", "a=b;", "\u{0}",
            "é", "\r",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...20)).map { _ in parts.randomElement() ?? "" }.joined() + "\r\n\r\n"
            guard let head = RequestHead(Array(text.utf8)) else { continue }
            if let (_, target) = head.removing(parameter: "vers_token") {
                #expect(target.hasPrefix("/") && !target.hasPrefix("//"))
                #expect(target.utf8.allSatisfy { (0x21...0x7e).contains($0) })
            }
        }
    }
}
