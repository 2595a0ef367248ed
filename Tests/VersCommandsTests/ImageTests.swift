import APITestSupport
import Foundation
import Testing
import VersAPI
import VersServer

@testable import VersCommands

@Suite struct ImageTests {
    private func withInstance(_ body: (TestContext, ServerFixture) async throws -> Void) async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            try await body(test, fixture)
        }
    }

    @Test func listsEveryPage() async throws {
        try await withInstance { (test, fixture) async throws in
            fixture.images.have((0..<150).map { "image-\($0)" })
            #expect(await test.run("image", "list", "-q") == 0)
            #expect(test.output.text.split(separator: "\n").count == 150)
            #expect(fixture.images.recorded == ["list 100 0", "list 100 100"])
        }
    }

    @Test func importsAFileOrAReference() async throws {
        try await withInstance { (test, fixture) async throws in
            try test.write("an archive", to: "work/app.tar.gz")
            fixture.images.answer([.queued, .unpacking, .writing])
            #expect(await test.run("image", "import", "app.tar.gz", "--size-mib", "700") == 0)
            #expect(test.output.text.contains("Image 'app' is ready (64 MiB)"))
            #expect(fixture.images.recorded.first == "upload app 700" && fixture.images.received == [10])
        }
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("image", "import", "registry.example/team/web:1.2", "--format", "json") == 0)
            #expect(fixture.images.recorded.first == "create web docker registry.example/team/web:1.2")
            #expect(test.output.text.contains("\"status\" : \"ready\""))
        }
    }

    @Test func aFailureHasItsReasonAndExitStatus() async throws {
        try await withInstance { (test, fixture) async throws in
            fixture.images.answer([.fetching, .failed])
            #expect(await test.run("image", "import", "debian") == 3)
            #expect(test.errors.text.contains("no such image"))
            #expect(await test.run("image", "import", "missing.tar") == 3)
            #expect(await test.run("image", "import", ".") == 5)
            for nothing in ["", " "] {
                let other = try test.anew()
                #expect(await other.run("image", "import", nothing) == 5)
                #expect(other.errors.text.contains("expected an archive's file or the name of an image"))
                #expect(!other.errors.text.contains("directory"))
            }
        }
    }

    @Test func deletesByNameAndGoesOn() async throws {
        try await withInstance { (test, fixture) async throws in
            fixture.images.have(["web", "db"])
            #expect(await test.run("image", "delete", "nothing", "db") == 3)
            #expect(fixture.images.recorded.filter { $0.hasPrefix("delete") }.count == 1)
            #expect(test.output.text.contains("deleted") && test.errors.text.contains("'nothing' not deleted"))
        }
    }

    @Test(arguments: [
        ("a/b/app.tar.gz", true, "app"), ("app.tgz", true, "app"), ("app.tar.zst", true, "app"), ("app", true, "app"),
        ("debian:12", false, "debian"), ("h:5000/a/b:1@sha256:00", false, "b"),
    ])
    func aNameIsFound(source: String, isFile: Bool, name: String) {
        #expect(ImageImport.defaultName(of: source, isFile: isFile) == name)
    }
}
