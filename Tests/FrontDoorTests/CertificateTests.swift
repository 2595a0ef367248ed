import Foundation
import FrontDoor
import HostSystem
import KeyMaterial
import NIOSSL
import SystemPackage
import Testing
import VersAPI

struct CertificateTests {
    private static func directory(_ body: (FilePath) async throws -> Void) async throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("ca-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: url) }
        try await body(FilePath(url.path))
    }

    @Test func `the authority and the port stay the same`() async throws {
        try await Self.directory { home in
            var first: FrontDoorResponse?
            // As a daemon leaves it that ended while it made one.
            try FileManager.default.createDirectory(atPath: "\(home)/ca.making-1", withIntermediateDirectories: true)
            try await DoorFixture.run(home: home) {
                $0.port = nil
            } _: {
                first = $0.description
            }
            let kept = try #require(first)
            #expect(try HostFile.names(in: home).sorted() == ["ca", "port", "secret"])
            var status = stat()
            #expect(stat("\(home)/ca/ca.key", &status) == 0 && status.st_mode & 0o777 == 0o600)
            try await DoorFixture.run(home: home) {
                $0.port = nil
            } _: { door in
                #expect(door.description.ca_certificate == kept.ca_certificate)
                #expect(door.description.port == kept.port)
            }
        }
    }

    @Test func `an instance whose port is taken takes another, unless it was asked for`() async throws {
        try await DoorFixture.run {
            $0.port = nil
        } _: { first in
            try await DoorFixture.run {
                $0.port = nil
            } _: { second in
                #expect(second.description.is_listening)
                #expect(second.description.port != first.description.port)
            }
            try await DoorFixture.run {
                $0.port = first.port
            } _: { second in
                #expect(!second.description.is_listening)
                #expect(second.description.problem?.contains("127.0.0.1:\(first.port)") == true)
            }
        }
    }

    @Test func `a damaged authority is not replaced`() async throws {
        try await Self.directory { home in
            try await DoorFixture.run(home: home) { _ in }
            try await DurableFile.write(Array("x".utf8), to: home.appending("ca/ca.key"))
            try await DoorFixture.run(home: home) { door in
                #expect(!door.description.is_listening)
                #expect(door.description.problem?.contains("\(home)/ca") == true)
            }
            #expect(try HostFile.readText(home.appending("ca/ca.key"), limitInBytes: 9) == "x")
        }
    }

    @Test func `the operator's certificate is shown where it fits, and a new one after it`() async throws {
        try await Self.directory { home in
            let files = CertificateFiles(certificate: home.appending("a.pem"), key: home.appending("a.key"))
            func write(_ authority: CertificateAuthority) throws {
                let issued = try authority.issue(for: ["*.example.com"], validUntil: Date() + 86_400)
                try DurableFile.write(Array(issued.certificatePEM.utf8), to: files.certificate)
                try DurableFile.write(Array(issued.keyPEM.utf8), to: files.key)
            }
            func roots(_ authority: CertificateAuthority) throws -> [NIOSSLCertificate] {
                try NIOSSLCertificate.fromPEMBytes(Array(authority.certificatePEM.utf8))
            }
            let (first, second) = (try CertificateAuthority(name: "first"), try CertificateAuthority(name: "second"))
            try write(first)
            try await DoorFixture.run {
                $0.certificates = [files]
            } _: { door in
                let machine = door.domain.machine
                door.domain.change { $0.names["app.example.com"] = machine }
                door.domain.serve(80, DomainDouble.echo)
                @Sendable func ask(_ name: String, _ roots: [NIOSSLCertificate]?) async throws -> String {
                    try await door.connect(to: name, trusting: roots) { client in
                        try await client.send("GET / HTTP/1.1\r\n")
                        client.end()
                        return try await client.text()
                    }
                }
                let expected = "GET / HTTP/1.1\r\n"
                #expect(try await ask("app.example.com", try roots(first)) == expected)
                #expect(try await ask(door.name, nil) == expected)
                try write(second)
                try await Task.sleep(for: .milliseconds(1100))
                #expect(try await ask("app.example.com", try roots(second)) == expected)
                // What cannot be used does not replace what could.
                try await DurableFile.write([1], to: files.certificate)
                try await Task.sleep(for: .milliseconds(1100))
                #expect(try await ask("app.example.com", try roots(second)) == expected)
            }
            try await DoorFixture.run {
                $0.certificates = [files]
            } _: { door in
                #expect(!door.description.is_listening)
                #expect(door.description.problem?.contains("\(files.certificate)") == true)
            }
        }
    }
}
