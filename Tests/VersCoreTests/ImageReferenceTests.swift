import Testing
import VersAPI

@testable import VersCore

struct ImageReferenceTests {
    @Test(arguments: [
        ("debian", "registry-1.docker.io", "library/debian", "latest"),
        ("team/app:1.2", "registry-1.docker.io", "team/app", "1.2"),
        ("docker.io/debian:12", "registry-1.docker.io", "library/debian", "12"),
        ("localhost/app", "localhost", "app", "latest"),
        ("127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000", "a/b/c", "x"),
        ("registry.example/app", "registry.example", "app", "latest"),
    ])
    func `names are read as docker reads them`(text: String, host: String, repository: String, version: String) throws {
        let reference = try ImageReference(text)
        #expect(reference.host == host && reference.repository == repository && reference.version == version)
    }

    @Test func `a digest wins over a tag`() throws {
        let digest = "sha256:" + String(repeating: "0a", count: 32)
        #expect(try ImageReference("a/b:tag@\(digest)").version == digest)
    }

    @Test(arguments: [
        "", "UPPER", "a b", "app:", "app:ta g", "a//b", "/app", "app@sha256:12", "app@md5:00", "../app", "host.x/",
        "a/../b", "app:1/../../x", "https://registry.example/app",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: VersError.self) { try ImageReference(text) }
    }

    @Test(arguments: [
        ("localhost:5000/a", true), ("127.3.2.1/a", true), ("[::1]:5000/a", true), ("127.0.0.1.example.com/a", false),
        ("registry.example/a", false), ("debian", false),
    ])
    func `plain HTTP is for the loopback`(text: String, isLoopback: Bool) throws {
        #expect(try ImageReference(text).isLoopback == isLoopback)
    }
}
