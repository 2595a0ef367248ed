import APITestSupport
import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI
import VersServer

@testable import VersCommands

/// Commands about the way in, against a real server.
@Suite struct AccessCommandTests {
    private func withInstance(_ body: (TestContext, ServerFixture) async throws -> Void) async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            try await body(test, fixture)
        }
    }

    @Test func openExposeAndTrustShowWhatTheInstanceSays() async throws {
        try await withInstance { test, fixture in
            let id = fixture.domain.machine.text
            #expect(await test.run("open", id, "3000") == 0)
            #expect(test.output.text == "https://3000-\(id).vm.vers.localhost:8443/\n")
            #expect(await test.run("expose", id) == 0)
            #expect(test.output.text.contains("open to everybody"))
            #expect(await test.run("expose", id, "--private", "--link", "--expires", "1h") == 0)
            #expect(test.output.text.contains("Link:    https://\(id)/"))
            #expect(await test.run("trust", "--print") == 0)
            #expect(test.output.text.hasSuffix("PEM"))
        }
    }

    @Test(arguments: [
        ["expose", "--private", "--public"], ["expose", "--expires", "1h"], ["expose", "--port", "80"],
        ["expose", "--link", "--port", "0"], ["expose", "--link", "--port", "65536"], ["open", "web", "0"],
        ["trust", "--print", "--remove"], ["expose", "--link", "--expires", "soon"],
    ])
    func whatMakesNoSenseIsRefused(arguments: [String]) async throws {
        let test = try TestContext()
        #expect(await CommandLineProgram.run(arguments, context: test.context) == 5)
    }

    @Test func theStoreOfCertificatesIsChangedOnceAndBackAgain() throws {
        let test = try TestContext()
        let directory = FilePath("\(test.root)/work")
        let store = TrustStore(directory: directory, update: "/bin/true")
        let other = directory.appending("vers.crt")
        try DurableFile.write(Array("other".utf8), to: other)
        let path = try store.add("mine")
        #expect(path == directory.appending("vers-2.crt"))
        #expect(try store.add("mine") == path)
        #expect(test.mode(of: "work/vers-2.crt") == 0o644)
        #expect(try store.remove("mine") == 1)
        #expect(try store.remove("mine") == 0)
        #expect(test.read("work/vers.crt") == "other")
        let broken = TrustStore(directory: directory, update: "/bin/false")
        #expect(throws: VersError.self) { _ = try broken.add("mine") }
        #expect(throws: VersError.self) {
            _ = try TrustStore(directory: FilePath("\(test.root)/none"), update: "/bin/true").add("mine")
        }
    }
}
