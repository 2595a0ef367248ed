import Testing

@testable import TerminalUI

@Suite struct TreeDrawingTests {
    static let forest = [
        TreeNode(
            [StyledText("root"), StyledText("running")],
            children: [
                TreeNode(
                    [StyledText("child-1")],
                    children: [TreeNode([StyledText("grandchild-a")]), TreeNode([StyledText("grandchild-b")])]
                ),
                TreeNode([StyledText("child-2")]),
            ]
        ),
        TreeNode([StyledText("other")]),
    ]

    @Test func asciiOutsideATerminal() {
        #expect(
            TreeDrawing(for: .plain).draw(Self.forest) == """
                root  running
                |- child-1
                |  |- grandchild-a
                |  `- grandchild-b
                `- child-2
                other
                """
        )
    }

    @Test func linesOnATerminal() {
        let stream = TerminalStream(isTerminal: true, showsColour: false, showsUnicode: true, columns: 80)
        #expect(
            TreeDrawing(for: stream).draw(Self.forest) == """
                root  running
                ├─ child-1
                │  ├─ grandchild-a
                │  └─ grandchild-b
                └─ child-2
                other
                """
        )
    }

    @Test func linesAreCutToTheTerminal() {
        let stream = TerminalStream(isTerminal: true, showsColour: false, showsUnicode: true, columns: 20)
        let node = TreeNode([StyledText("a-rather-long-name"), StyledText("and more")])
        for line in TreeDrawing(for: stream).draw([TreeNode([StyledText("r")], children: [node])]).split(
            separator: "\n"
        ) {
            #expect(line.displayWidth <= 20)
        }
    }

    @Test func colourWrapsOnlyStyledPieces() {
        let stream = TerminalStream(isTerminal: true, showsColour: true, showsUnicode: false, columns: 80)
        let drawn = TreeDrawing(for: stream).draw([TreeNode([StyledText("a", .green), StyledText("b")])])
        #expect(drawn == "\u{1B}[32ma\u{1B}[0m  b")
    }

    @Test func aThousandGenerations() {
        var node = TreeNode([StyledText("leaf")])
        for _ in 0..<1000 { node = TreeNode([StyledText("n")], children: [node]) }
        #expect(TreeDrawing(for: .plain).draw([node]).split(separator: "\n").count == 1001)
    }

    @Test func escapeSequencesInNamesAreNotPassedOn() {
        let drawn = TreeDrawing(for: .plain).draw([TreeNode([StyledText("a\u{1B}[2Jb")])])
        #expect(drawn == "a?[2Jb")
    }
}
