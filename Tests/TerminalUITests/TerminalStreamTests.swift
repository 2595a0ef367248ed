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

    @Test(arguments: [
        (200, 50, TerminalWindow(columns: 200, rows: 50)), (200, 0, TerminalWindow(columns: 200, rows: 24)),
        (0, 50, TerminalWindow(columns: 80, rows: 50)), (0, 0, nil),
    ])
    func whatATerminalDoesNotKnowOfItsSizeIsUsual(columns: UInt16, rows: UInt16, expected: TerminalWindow?) throws {
        let terminal = try PseudoTerminal()
        var window = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(ioctl(terminal.controller, UInt(TIOCSWINSZ), &window) == 0)
        #expect(TerminalWindow.size(of: terminal.user) == expected)
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
