import Testing

@testable import TerminalUI

@Suite struct DisplayWidthTests {
    @Test(arguments: [("abc", 3), ("日本", 4), ("e\u{301}", 1), ("🚀", 2), ("", 0)])
    func width(_ text: String, _ expected: Int) { #expect(text.displayWidth == expected) }

    @Test func cutTextFits() {
        #expect("日本語".truncated(toWidth: 4, ellipsis: "…") == "日…")
        #expect("abc".truncated(toWidth: 3, ellipsis: "...") == "abc")
        #expect("abcd".truncated(toWidth: 3, ellipsis: "...") == "...")
    }
}
