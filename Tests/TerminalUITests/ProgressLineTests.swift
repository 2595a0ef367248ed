import Synchronization
import Testing

@testable import TerminalUI

@Suite struct ProgressLineTests {
    private final class Log: Sendable {
        let text = Mutex("")
    }

    @Test func shortWorkIsSilent() async throws {
        let log = Log()
        let line = ProgressLine(stream: .plain) { piece in log.text.withLock { $0 += piece } }
        let result = await line.during("working") { 7 }
        #expect(result == 7)
        #expect(log.text.withLock { $0 }.isEmpty)
    }

    @Test func errorsPass() async {
        struct Failure: Error {}
        let line = ProgressLine(stream: .plain) { _ in }
        await #expect(throws: Failure.self) { try await line.during("working") { throw Failure() } }
    }
}
