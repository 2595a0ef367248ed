import Testing
import VersCore

@testable import HostNetwork

struct NameQueryTests {
    private let query = NameQuery(number: 0x1234, name: "web.vers.internal")
    private let name: [UInt8] = [3] + "web".utf8 + [4] + "vers".utf8 + [8] + "internal".utf8 + [0]

    /// An answer to the query with these records.
    private func answer(_ records: [[UInt8]], flags: [UInt8] = [0x85, 0x80]) -> [UInt8] {
        [0x12, 0x34] + flags + [0, 1, 0, UInt8(records.count), 0, 0, 0, 0] + name + [0, 1, 0, 1] + records.joined()
    }

    private func address(_ last: UInt8) -> [UInt8] { [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 213, 0, last] }

    @Test func `a question has its header, the labels, the type and the class`() {
        #expect(query.bytes == [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + name + [0, 1, 0, 1])
    }

    @Test func `an answer tells all addresses, and records of other types nothing`() {
        let alias = name + [0, 5, 0, 1, 0, 0, 0, 0, 0, 2, 0xC0, 12]
        let addresses = query.addresses(in: answer([address(2), alias, address(3)]))
        #expect(addresses?.map(\.description) == ["10.213.0.2", "10.213.0.3"])
        #expect(query.addresses(in: answer([], flags: [0x85, 0x83])) == [])
    }

    @Test func `what is no answer to the question is none`() {
        #expect(NameQuery(number: 1, name: query.name).addresses(in: answer([address(2)])) == nil)
        #expect(query.addresses(in: query.bytes) == nil)
        let whole = answer([address(2)])
        for count in 0..<whole.count { #expect(query.addresses(in: Array(whole.prefix(count))) == nil, "\(count)") }
    }
}
