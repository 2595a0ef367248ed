import Testing
import VersAPI

@testable import VersCommands

@Suite struct ExitStatusTests {
    @Test(arguments: [
        ["frobnicate"], ["run", "--nope"], ["run", "--format", "yaml"], ["branch", "--count", "0"],
        ["branch", "--count", "2", "-n", "x"], ["run", "-N", "a/b"],
        ["run", "-N", "5e0a1c2b-7d1e-4c55-9d0b-2f6f3a1f9a10"],
        ["run", "--mem-size", "-5"], ["resize"], ["resize", "--size", "0"], ["exec"], ["exec", "--"],
        ["completion", "tcsh"], ["commit", "delete"], ["exec", "-t", "x", "ls"],
    ])
    func badArguments(_ arguments: [String]) async throws {
        let test = try TestContext()
        #expect(await CommandLineProgram.run(arguments, context: test.context) == 5)
        #expect(test.errors.text.hasPrefix("error: "))
        #expect(test.output.text.isEmpty)
    }

    @Test(arguments: [["--help"], ["--version"], ["help", "run"], ["run", "--help"], ["exec", "--help"], []])
    func helpIsAResult(_ arguments: [String]) async throws {
        let test = try TestContext()
        #expect(await CommandLineProgram.run(arguments, context: test.context) == 0)
        #expect(!test.output.text.isEmpty)
        #expect(test.errors.text.isEmpty)
    }

    @Test func unsetHeadIsNotFound() async throws {
        let test = try TestContext()
        #expect(await test.run("head") == 3)
        #expect(test.errors.text.contains("\nhint: "))
    }

    @Test func noDaemonIsAFailure() async throws {
        let test = try TestContext()
        #expect(await test.run("status") == 1)
        #expect(test.errors.text.contains("hint: start it with 'vers up'"))
    }

    @Test func aMissingKeyIsAuthentication() async throws {
        let test = try TestContext()
        test.environment["VERS_URL"] = "http://127.0.0.1:1"
        #expect(await test.run("status") == 2)
    }

    @Test func aWrongURLIsABadArgument() async throws {
        let test = try TestContext()
        test.environment["VERS_URL"] = "127.0.0.1:8080"
        #expect(await test.run("status") == 5)
    }

    @Test func theNearestCommandIsSuggested() async throws {
        let test = try TestContext()
        _ = await test.run("brnch")
        #expect(test.errors.text.contains("did you mean 'vers branch'?"))
    }
}
