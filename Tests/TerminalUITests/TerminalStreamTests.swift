import Foundation
import TestSupport
import Testing

@testable import TerminalUI

@Suite struct TerminalStreamTests {
    @Test func aTerminalWithAUTF8LocaleShowsEverything() throws {
        let terminal = try PseudoTerminal()
        let stream = TerminalStream(descriptor: terminal.user, environment: ["LANG": "C.UTF-8", "TERM": "xterm"])
        #expect(stream.isTerminal && stream.showsColour && stream.showsUnicode)
    }

    @Test func noColorWins() throws {
        let terminal = try PseudoTerminal()
        let environment = ["NO_COLOR": "1", "CLICOLOR_FORCE": "1", "LANG": "C.UTF-8"]
        #expect(!TerminalStream(descriptor: terminal.user, environment: environment).showsColour)
        #expect(TerminalStream(descriptor: terminal.user, environment: ["NO_COLOR": ""]).showsColour)
    }

    @Test func aPipeIsPlain() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(TerminalStream(descriptor: ends[1], environment: ["LANG": "C.UTF-8"]) == .plain)
        #expect(TerminalStream(descriptor: ends[1], environment: ["CLICOLOR_FORCE": "1"]).showsColour)
    }

    @Test func theFirstLocaleVariableThatIsSetDecides() throws {
        let terminal = try PseudoTerminal()
        let environment = ["LC_ALL": "C", "LANG": "C.UTF-8"]
        #expect(!TerminalStream(descriptor: terminal.user, environment: environment).showsUnicode)
    }
}
