import APITestSupport
import Foundation
import Testing
import VersAPI
import VersServer

@testable import VersCommands

/// Whole commands against a real server, whose domain is a double.
@Suite struct InstanceTests {
    private func withInstance(_ body: (TestContext, ServerFixture) async throws -> Void) async throws {
        try await ServerFixture.run { fixture in
            let test = try TestContext()
            test.environment["VERS_URL"] = fixture.endpoints.url
            test.environment["VERS_API_KEY"] = DomainDouble.key
            try await body(test, fixture)
        }
    }

    private func json(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func runMovesHeadAndNamesTheVM() async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine
            #expect(await test.run("run", "-N", "web", "--mem-size", "2048") == 0)
            #expect(test.output.text == "VM '\(id)' started successfully.\nAlias: web\nHEAD is now \(id)\n")
            #expect(fixture.domain.recorded == ["create 2048 \(DomainDouble.owner) true"])
            #expect(try HeadFile(test.context).read() == id)
            #expect(try AliasFile(test.context).read() == ["web": id])
        }
    }

    @Test func runAsJSONAndQuiet() async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine.text
            #expect(await test.run("run", "--format", "json") == 0)
            let object = try json(test.output.text)
            #expect(object["vm_id"] as? String == id && object["head"] as? String == id)
        }
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("run", "-q", "--format", "json") == 0)
            #expect(test.output.text == "\(fixture.domain.machine)\n")
        }
    }

    @Test func runCommitMovesHead() async throws {
        try await withInstance { (test, fixture) async throws in
            let prefix = String(fixture.domain.commit.text.prefix(8))
            #expect(await test.run("run-commit", prefix) == 0)
            #expect(test.output.text.hasPrefix("VM '\(fixture.domain.machine)' started successfully from commit "))
            #expect(fixture.domain.recorded == ["commits 100 0", "create from \(fixture.domain.commit)"])
            #expect(try HeadFile(test.context).read() == fixture.domain.machine)
        }
    }

    @Test func branchLeavesHeadUnlessCheckedOut() async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine
            try HeadFile(test.context).write(id)
            #expect(await test.run("branch", "-n", "child") == 0)
            let child = try #require(try AliasFile(test.context).read()["child"])
            #expect(test.output.text == "New VM created successfully\nVM ID: \(child)\nAlias: child\n")
            #expect(try HeadFile(test.context).read() == id)
            #expect(await test.run("branch", id.text, "-c") == 0)
            #expect(try HeadFile(test.context).read() != id)
        }
    }

    @Test func branchOfAPrefixAndOfACommit() async throws {
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("branch", String(fixture.domain.machine.text.prefix(8)), "--count", "3", "-q") == 0)
            #expect(test.output.text.split(separator: "\n").count == 3)
            #expect(await test.run("branch", fixture.domain.commit.text, "--format", "json") == 0)
            #expect(fixture.domain.recorded.contains("branch commit(\(fixture.domain.commit)) 1 false false"))
        }
    }

    @Test func commitNamesItsID() async throws {
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("commit", fixture.domain.machine.text, "-n", "x") == 0)
            let lines = test.output.text.split(separator: "\n")
            #expect(lines.last == "Commit ID: \(fixture.domain.commit)")
            #expect(await test.run("commit", "history", fixture.domain.commit.text) == 0)
            #expect(test.output.text.contains("Commit History"))
            #expect(await test.run("commit", "list") == 0)
            #expect(test.output.text.contains("COMMIT ID"))
        }
    }

    @Test func statusListsAndResolvesAliases() async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine
            try AliasFile(test.context).set("web", to: id)
            #expect(await test.run("status") == 0)
            #expect(test.output.text.contains("VM ID "))
            #expect(test.output.text.contains("\n\(id)  running   2026-05-01T10:00:00Z  web\n"))
            #expect(await test.run("status", "web") == 0)
            #expect(test.output.text.contains("VM ID: \(id)\nAlias: web\nState: running\n"))
            #expect(await test.run("status", "-q") == 0)
            #expect(test.output.text.hasSuffix("\n\(id)\n"))
        }
    }

    @Test func infoShowsEveryProperty() async throws {
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("info", fixture.domain.machine.text) == 0)
            for label in ["VM ID:", "Alias:", "State:", "Memory:", "vCPUs:", "Disk:", "IP:", "Hostname:", "Parent VM:"]
            {
                #expect(test.output.text.contains(label), "\(label)")
            }
            #expect(test.output.text.contains("tcg (no /dev/kvm)"))
        }
    }

    @Test func treeDrawsOnAPipe() async throws {
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("tree") == 0)
            #expect(test.output.text.contains(fixture.domain.machine.text))
            #expect(test.output.text.contains("commit golden"))
            #expect(test.output.text.utf8.allSatisfy { $0 < 0x80 && $0 != 0x1B })
        }
    }

    @Test func deletionAsksAndCanBeCancelled() async throws {
        try await withInstance { (test, fixture) async throws in
            for answer in ["n", "", nil] {
                test.answer = answer
                #expect(await test.run("kill", fixture.domain.machine.text) == 7)
            }
            #expect(!fixture.domain.recorded.contains { $0.hasPrefix("delete") })
            test.answer = "YES"
            #expect(await test.run("kill", fixture.domain.machine.text) == 0)
            #expect(test.errors.text.contains("Proceed [y/N]: "))
        }
    }

    @Test func deletionClearsHeadAndAliases() async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine
            try HeadFile(test.context).write(id)
            try AliasFile(test.context).set("web", to: id)
            #expect(await test.run("delete", "-r", "-y") == 0)
            #expect(fixture.domain.recorded == ["delete \(id) true false"])
            #expect(test.output.text == "\u{2713} VM 'web' deleted\nHEAD cleared\n")
            #expect(try HeadFile(test.context).read() == nil)
            let aliases = try AliasFile(test.context).read()
            #expect(aliases.isEmpty)
        }
    }

    @Test func deletionFinishesWhatItCan() async throws {
        try await withInstance { (test, fixture) async throws in
            #expect(await test.run("kill", "-y", "nonsense", fixture.domain.machine.text) == 3)
            #expect(fixture.domain.recorded.contains("delete \(fixture.domain.machine) false false"))
            #expect(test.output.text.contains("1 deleted, 1 failed"))
            #expect(test.errors.text.contains("'nonsense' not deleted"))
        }
    }

    @Test func theServersCodeDecidesTheExitStatus() async throws {
        try await withInstance { (test, fixture) async throws in
            fixture.domain.fail(with: [VersError(.hasChildren, "VM has children: x", hint: "use --recursive")])
            #expect(await test.run("kill", "-y", fixture.domain.machine.text) == 4)
            #expect(test.errors.text.contains("error: VM has children: x\nhint: use --recursive\n"))
            fixture.domain.fail(with: [VersError(.timedOut, "no answer within 60 seconds")])
            #expect(await test.run("pause", fixture.domain.machine.text) == 6)
            fixture.domain.fail(with: [VersError(.notFound, "VM not found")])
            #expect(await test.run("resize", fixture.domain.machine.text, "--size", "4096") == 3)
        }
    }

    @Test func statesAreAskedFor() async throws {
        try await withInstance { (test, fixture) async throws in
            let id = fixture.domain.machine
            for verb in ["pause", "resume", "stop", "start"] { #expect(await test.run(verb, id.text) == 0) }
            #expect(
                fixture.domain.recorded == [
                    "state \(id) paused false", "state \(id) running false", "state \(id) stopped false",
                    "state \(id) running false",
                ]
            )
        }
    }

    @Test func loginSavesAKeyThatWorks() async throws {
        try await withInstance { (test, _) async throws in
            #expect(await test.run("login", "-t", "wrong") == 2)
            #expect(try CredentialsFile(test.context).apiKey() == nil)
            #expect(await test.run("login", "-t", DomainDouble.key) == 0)
            test.environment["VERS_API_KEY"] = nil
            #expect(await test.run("status") == 0)
        }
    }

    /// The files of an instance whose daemon runs here.
    private func localInstance(of fixture: ServerFixture) throws -> TestContext {
        let test = try TestContext()
        let record = """
            {"pid":\(getpid()),"url":"\(fixture.endpoints.url)","socket":"\(fixture.socket)","version":"x"}
            """
        try test.write(record, to: "instance/daemon.json")
        try test.write(DomainDouble.key + "\n", to: "instance/owner.key")
        return test
    }

    @Test func aLocalDaemonIsFoundByItsFiles() async throws {
        try await ServerFixture.run { fixture in
            let test = try localInstance(of: fixture)
            #expect(await test.run("status", "-q") == 0)
            #expect(test.output.text == "\(fixture.domain.machine)\n")
        }
    }

    @Test func aGivenKeyIsUsedForTheLocalDaemonToo() async throws {
        try await ServerFixture.run { fixture in
            let test = try localInstance(of: fixture)
            test.environment["VERS_API_KEY"] = "another"
            #expect(await test.run("status", "-q") == 2)
            #expect(test.errors.text.contains("VERS_API_KEY: unset it to act as the instance's owner"))
            test.environment["VERS_API_KEY"] = ""
            #expect(await test.run("status", "-q") == 0)
            try test.write("no key of this daemon's\n", to: "instance/owner.key")
            test.environment["VERS_API_KEY"] = DomainDouble.key
            #expect(await test.run("status", "-q") == 0)
        }
    }

    @Test func aRecordWithoutADaemonCountsForNothing() async throws {
        let test = try TestContext()
        let record = #"{"pid":\#(getpid()),"url":"http://127.0.0.1:1","socket":"/nowhere/versd.sock"}"#
        try test.write(record, to: "instance/daemon.json")
        #expect(await test.run("status") == 1)
        #expect(test.errors.text.contains("no daemon runs"))
    }
}
