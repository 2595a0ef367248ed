import APITestSupport
import Foundation
import Testing
import VersAPI
import VersServer

@testable import VersCommands

@Suite struct UserFilesTests {
    @Test func headIsAnIDOrUnset() throws {
        let test = try TestContext()
        let head = HeadFile(test.context)
        #expect(try head.read() == nil)
        #expect(try !head.exists())
        let id = MachineID()
        try head.write(id)
        #expect(test.read("work/.vers/HEAD") == id.text + "\n")
        #expect(try head.require() == id)
        try head.write(nil)
        #expect(try head.read() == nil)
        #expect(try head.exists())
        try test.write("nonsense", to: "work/.vers/HEAD")
        #expect(throws: VersError.self) { try head.read() }
    }

    @Test func aliases() throws {
        let test = try TestContext()
        let file = AliasFile(test.context)
        let (first, second) = (MachineID(), MachineID())
        try file.set("web", to: first)
        try file.set("db", to: second)
        try file.set("web-2", to: first)
        #expect(try file.namesByMachine()[first] == ["web", "web-2"])
        try file.set("web", to: second)
        #expect(try file.read()["web"] == second)
        try file.remove([second])
        #expect(try file.read() == ["web-2": first])
        #expect(test.read("home/.vers/aliases.json") == "{\n  \"web-2\" : \"\(first)\"\n}\n")
    }

    @Test func aliasesOfManyProcessesAreAllKept() async throws {
        let test = try TestContext()
        let context = test.context
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask { try AliasFile(context).set("vm-\(number)", to: MachineID()) }
            }
            try await group.waitForAll()
        }
        #expect(try AliasFile(context).read().count == 20)
    }

    @Test(arguments: ["", "-a", ".a", "a b", "a/b", "\u{E4}", String(repeating: "a", count: 65), MachineID().text])
    func badNames(_ name: String) { #expect(throws: VersError.self) { try AliasName.validate(name) } }

    @Test(arguments: ["a", "_x", "9", "web-1.2_c", String(repeating: "a", count: 64)])
    func goodNames(_ name: String) throws { try AliasName.validate(name) }

    @Test func dotEnv() {
        let parsed = DotEnv.parse(
            """
            # comment
            VERS_URL=http://a:1
            export VERS_API_KEY="se cret"  # note
            EMPTY=
            QUOTED='a\\nb'
            bad line
            PLAIN=x # note
            """
        )
        #expect(
            parsed == [
                "VERS_URL": "http://a:1", "VERS_API_KEY": "se cret", "EMPTY": "", "QUOTED": "a\\nb", "PLAIN": "x",
            ]
        )
    }

    @Test func theEnvironmentWinsOverDotEnv() throws {
        let test = try TestContext()
        test.environment["A"] = "environment"
        try test.write("A=file\nB=file\n", to: "work/.env")
        let environment = try DotEnv.environment(of: test.context)
        #expect(environment["A"] == "environment" && environment["B"] == "file")
    }

    @Test func credentialsKeepOtherFieldsAndArePrivate() throws {
        let test = try TestContext()
        let file = CredentialsFile(test.context)
        #expect(try file.apiKey() == nil)
        try test.write("{\"email\": \"a@b\", \"apiKey\": \"\"}", to: "home/.versrc")
        #expect(try file.apiKey() == nil)
        try file.save(apiKey: "key")
        #expect(try file.apiKey() == "key")
        #expect(test.read("home/.versrc")?.contains("a@b") == true)
        #expect(test.mode(of: "home/.versrc") == 0o600)
    }

    @Test func directoriesInThePlaceOfFilesAreNamed() async throws {
        let test = try TestContext()
        try FileManager.default.createDirectory(atPath: "\(test.root)/work/.env", withIntermediateDirectories: true)
        #expect(await test.run("status") == 1)
        #expect(test.errors.text == "error: cannot read \(test.root)/work/.env: Is a directory\n")
    }

    @Test func aHomeThatCannotBeMadeIsNamedWithTheReason() async throws {
        let test = try TestContext()
        test.environment["VERS_HOME"] = "/dev/null/instance"
        test.environment["VERS_AUTOSTART"] = nil
        #expect(await test.run("status") == 2)
        #expect(test.errors.text.hasPrefix("error: cannot make directory /dev/null/instance: Not a directory\n"))
    }

    @Test func whoeverLosesAnAliasIsNamed() async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            let former = MachineID()
            try AliasFile(test.context).set("web", to: former)
            #expect(await test.run("run", "-N", "web") == 0)
            #expect(test.errors.text.contains("alias 'web' named VM \(former) until now"))
            #expect(await test.run("head", "--format", "json") == 0)
            #expect(test.output.text.hasSuffix("{\n  \"head\" : \"\(fixture.domain.machine)\"\n}\n"))
        }
    }

    @Test func aNewVMIsNotLostToAFileThatCannotBeWritten() async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            try test.write("", to: "work/.vers")
            #expect(await test.run("run") == 1)
            #expect(test.errors.text.contains("1 new VM: \(fixture.domain.machine)\n"))
        }
    }
}
