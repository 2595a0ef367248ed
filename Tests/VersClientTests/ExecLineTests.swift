import NIOCore
import Testing
import VersAPI

@testable import VersClient

@Suite struct ExecLineTests {
    @Test func unknownKindsAndEmptyLinesAreSkipped() throws {
        #expect(try ExecLine.event(in: ByteBuffer()) == nil)
        #expect(try ExecLine.event(in: ByteBuffer(string: #"{"type":"heartbeat"}"#)) == nil)
    }

    @Test(arguments: ["garbage", "{}", #"{"type":"exit"}"#])
    func brokenLinesAreErrors(text: String) {
        let error = #expect(throws: VersError.self) { try ExecLine.event(in: ByteBuffer(string: text)) }
        #expect(error?.code == .internal)
    }
}
