import Foundation
import TestSupport
import Testing

@testable import TerminalUI

/// Serial: one terminal per process is raw at a time.
@Suite(.serialized) struct RawModeTests {
    @Test func rawUntilRestored() throws {
        let terminal = try PseudoTerminal()
        let before = terminal.localFlags
        let raw = try RawMode(descriptor: terminal.user)
        #expect(terminal.localFlags & tcflag_t(ECHO | ICANON | ISIG) == 0)
        raw.restore()
        #expect(terminal.localFlags == before)
        raw.restore()
    }

    @Test func restoredWhenDropped() throws {
        let terminal = try PseudoTerminal()
        let before = terminal.localFlags
        do { _ = try RawMode(descriptor: terminal.user) }
        #expect(terminal.localFlags == before)
    }

    @Test func aSecondRawTerminalIsRefused() throws {
        let (first, second) = (try PseudoTerminal(), try PseudoTerminal())
        let raw = try RawMode(descriptor: first.user)
        #expect(throws: TerminalError.self) { try RawMode(descriptor: second.user) }
        raw.restore()
        try RawMode(descriptor: second.user).restore()
    }

    @Test func aFileIsNoTerminal() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(throws: TerminalError.self) { try RawMode(descriptor: ends[0]) }
    }
}
