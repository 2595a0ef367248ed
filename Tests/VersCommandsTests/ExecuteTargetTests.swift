import Testing
import VersAPI

@testable import VersCommands

@Suite struct ExecuteTargetTests {
    private static let id = "5e0a1c2b-7d1e-4c55-9d0b-2f6f3a1f9a10"

    private func read(_ words: String...) throws -> ExecuteTarget.Reading {
        try ExecuteTarget.read(words) { $0 == "web" || $0 == Self.id }
    }

    @Test func withoutVM() throws {
        #expect(try read("uptime") == .settled(.init(machine: nil, command: ["uptime"])))
        #expect(try read("ls", "-la") == .settled(.init(machine: nil, command: ["ls", "-la"])))
        #expect(try read("--", "ls", "-la") == .settled(.init(machine: nil, command: ["ls", "-la"])))
    }

    @Test func withVM() throws {
        #expect(try read("web", "ls -la") == .settled(.init(machine: "web", command: ["ls -la"])))
        #expect(try read("web", "--", "ls") == .settled(.init(machine: "web", command: ["ls"])))
        #expect(try read(Self.id, "ls") == .settled(.init(machine: Self.id, command: ["ls"])))
        #expect(try read("5e0a", "--", "ls") == .settled(.init(machine: "5e0a", command: ["ls"])))
    }

    @Test func laterSeparatorsBelongToTheCommand() throws {
        #expect(
            try read("web", "--", "git", "log", "--") == .settled(.init(machine: "web", command: ["git", "log", "--"]))
        )
        #expect(try read("web", "git", "--", "x") == .settled(.init(machine: "web", command: ["git", "--", "x"])))
    }

    @Test func whatMayBeAPrefixIsLeftToTheServer() throws {
        #expect(try read("5e0a", "ls") == .undecided)
        #expect(try read("dead", "beef") == .undecided)
        #expect(try read("5e0a") == .settled(.init(machine: nil, command: ["5e0a"])))
    }

    @Test func nothingToRun() {
        #expect(throws: VersError.self) { try read() }
        #expect(throws: VersError.self) { try read("--") }
        #expect(throws: VersError.self) { try read("web") }
        #expect(throws: VersError.self) { try read("web", "--") }
    }

    @Test func optionsAfterTheVMAreRefused() {
        #expect(throws: VersError.self) { try read("web", "-i", "--", "cat") }
    }
}
