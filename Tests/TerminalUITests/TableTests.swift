import Testing

@testable import TerminalUI

@Suite struct TableTests {
    private var table: Table {
        var table = Table([.init("ID", minimumWidth: 4), .init("NAME"), .init("NOTE")])
        table.append([StyledText("a"), StyledText("日本"), StyledText("first")])
        table.append([StyledText("bcdef"), StyledText("x"), StyledText("")])
        return table
    }

    @Test func columnsAlignByDisplayWidth() {
        #expect(
            table.rendered(for: .plain) == """
                ID     NAME  NOTE
                a      日本  first
                bcdef  x
                """
        )
    }

    @Test func theLastColumnIsCutToTheTerminal() {
        let stream = TerminalStream(isTerminal: true, showsColour: false, showsUnicode: true, columns: 16)
        #expect(
            table.rendered(for: stream) == """
                ID     NAME  NO…
                a      日本  fi…
                bcdef  x
                """
        )
    }

    @Test func missingCellsAreEmpty() {
        var table = Table([.init("A"), .init("B")])
        table.append([StyledText("1")])
        #expect(table.rendered(for: .plain) == "A  B\n1")
    }
}
