import GuestProtocol
import Testing

@testable import GuestAgent

@Suite struct JournalTests {
    private func record(_ cursor: UInt64, offset: UInt64, _ text: String, _ stream: RecordStream = .stdout) -> Record {
        Record(
            execID: WireID(high: 1, low: 1),
            stream: stream,
            cursor: cursor,
            timestamp: cursor,
            offset: offset,
            data: Array(text.utf8)
        )
    }

    @Test func offsetsCountBytes() {
        var journal = Journal(capacityInBytes: 10_000)
        for text in ["abc", "defg"] { journal.append(record(1, offset: journal.endOffset, text)) { _ in } }
        #expect(journal.endOffset == 7)
        let all = journal.page(offset: 0, maximumEntries: 10, stream: nil)
        #expect(all.entries.map { String(decoding: $0.data, as: UTF8.self) } == ["abc", "defg"])
        #expect(all.isLast && all.nextOffset == 7)
        let inside = journal.page(offset: 4, maximumEntries: 10, stream: nil)
        #expect(inside.entries.map { String(decoding: $0.data, as: UTF8.self) } == ["efg"])
        let one = journal.page(offset: 0, maximumEntries: 1, stream: nil)
        #expect(one.entries.count == 1 && !one.isLast && one.nextOffset == 3)
        #expect(journal.page(offset: 7, maximumEntries: 1, stream: nil).isLast)
        #expect(journal.page(offset: 999, maximumEntries: 1, stream: nil).nextOffset == 7)
    }

    @Test func oneStreamCanBeAskedFor() {
        var journal = Journal(capacityInBytes: 10_000)
        journal.append(record(1, offset: 0, "out")) { _ in }
        journal.append(record(2, offset: 3, "err", .stderr)) { _ in }
        let page = journal.page(offset: 0, maximumEntries: 10, stream: .stderr)
        #expect(page.entries.count == 1 && page.nextOffset == 6 && page.isLast)
    }

    @Test func theOldestIsForgottenFirst() {
        var journal = Journal(capacityInBytes: 3 * (Record.overheadInBytes + 4))
        var forgotten: [UInt64] = []
        for index in 1...10 {
            journal.append(record(UInt64(index), offset: journal.endOffset, "1234")) { forgotten.append($0.cursor) }
        }
        #expect(forgotten == Array(1...7))
        let page = journal.page(offset: 0, maximumEntries: 100, stream: nil)
        #expect(page.entries.count == 3 && page.nextOffset == 40)
    }
}
