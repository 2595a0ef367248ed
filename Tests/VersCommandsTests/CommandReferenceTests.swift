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

    @Test(arguments: [Completion.Shell.bash, .zsh])
    func completionFollowsOtherNamesOfACommand(_ shell: Completion.Shell) {
        let script = Completion.script(for: shell)
        #expect(script.contains("kill) _vers_delete ;;"))
        #expect(script.contains("exec) _vers_execute ;;"))
    }
}
