import Foundation
import Testing
import VersAPI

@testable import VersCommands

@Suite struct ShellCommandTests {
    @Test func oneWordIsALineForTheShell() {
        #expect(ShellCommand.arguments(for: ["ls -la | wc -l"]).last == "ls -la | wc -l")
    }

    @Test func severalWordsAreQuotedAndJoined() {
        let words = ["echo", "a b", "it's", "", "$HOME", "--x=1"]
        #expect(ShellCommand.arguments(for: words).last == "echo 'a b' 'it'\\''s' '' '$HOME' --x=1")
    }

    /// What a shell makes of it is what counts.
    @Test(arguments: [["printf", "%s|", "a b", "'", "\"", "\\", "$(id)", "*", "\n", "~"]])
    func aShellReadsBackTheSameWords(_ words: [String]) throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = Array(ShellCommand.arguments(for: words).dropFirst())
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(text == words.dropFirst(2).map { $0 + "|" }.joined())
        #expect(process.terminationStatus == 0)
    }

    @Test func theCommandsExitCodeIsTheShells() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = Array(ShellCommand.arguments(for: ["exit 23"]).dropFirst())
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 23)
    }

    @Test func environmentArguments() throws {
        let own = ["TOKEN": "x=y"]
        #expect(
            try EnvironmentArgument.parse(["A=1", "B=", "C=x=y", "TOKEN"], own: own) == [
                "A": "1", "B": "", "C": "x=y", "TOKEN": "x=y",
            ]
        )
        for bad in ["MISSING", "=1", "A B=1", "1A=1", ""] {
            #expect(throws: VersError.self) { try EnvironmentArgument.parse([bad], own: own) }
        }
    }
}
