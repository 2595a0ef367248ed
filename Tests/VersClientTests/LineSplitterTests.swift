import NIOCore
import Testing
import VersAPI

@testable import VersClient

@Suite struct LineSplitterTests {
    @Test(arguments: [1, 2, 3, 7, 100])
    func linesDoNotDependOnTheCuts(size: Int) throws {
        var splitter = LineSplitter(limit: 16)
        let text = Array("one\n\ntwo three\nlast\nrest".utf8)
        var lines: [String] = []
        for start in stride(from: 0, to: text.count, by: size) {
            splitter.append(ByteBuffer(bytes: text[start..<min(start + size, text.count)]))
            while let line = try splitter.next() { lines.append(String(buffer: line)) }
        }
        #expect(lines == ["one", "", "two three", "last"])
    }

    @Test func aLineOfTheLimitPassesAndALongerOneDoesNot() throws {
        var splitter = LineSplitter(limit: 4)
        splitter.append(ByteBuffer(string: "1234\n12345\n"))
        #expect(try splitter.next().map { String(buffer: $0) } == "1234")
        let error = #expect(throws: VersError.self) { try splitter.next() }
        #expect(error?.code == .payloadTooLarge)
    }

    @Test func anUnfinishedLineIsLimitedToo() {
        var splitter = LineSplitter(limit: 4)
        splitter.append(ByteBuffer(string: "12345"))
        #expect(throws: VersError.self) { try splitter.next() }
    }
}
