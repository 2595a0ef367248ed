import Foundation
import Testing

@testable import VersCommands

@Suite struct CommandReferenceTests {
    /// When this fails: `vers generate-docs > docs/cli.md`.
    @Test func theCommittedReferenceIsUpToDate() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/cli.md"), encoding: .utf8)
        #expect(text == CommandReference.markdown)
    }
}
