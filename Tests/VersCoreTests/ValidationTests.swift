import Testing
import VersAPI

@testable import VersCore

struct ValidationTests {
    @Test(arguments: ["a", "A9", "_x", "a.b-c_d", "0", String(repeating: "n", count: 64)])
    func `names that are good`(name: String) throws {
        #expect(Validation.isName(name))
        try Validation.name(name, of: "name")
    }

    @Test(arguments: [
        "", "-a", ".a", "a b", "a/b", "a\n", "ä", "a\u{0}", "../a", String(repeating: "n", count: 65), "🙂", "a$",
    ])
    func `names that are not`(name: String) {
        #expect(!Validation.isName(name))
        let error = #expect(throws: VersError.self) { try Validation.name(name, of: "alias") }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("alias") == true)
    }

    @Test func `a huge name is not repeated whole`() {
        let error = #expect(throws: VersError.self) {
            try Validation.name(String(repeating: "x", count: 1_000_000), of: "name")
        }
        #expect((error?.message.utf8.count ?? .max) < 400)
    }

    @Test(arguments: [(1, true), (64, true), (0, false), (65, false), (-1, false), (Int.max, false), (Int.min, false)])
    func `a value and its range`(value: Int, isGood: Bool) {
        guard !isGood else {
            #expect(throws: Never.self) { try Validation.value(value, of: "vcpu_count", in: 1...64) }
            return
        }
        let error = #expect(throws: VersError.self) { try Validation.value(value, of: "vcpu_count", in: 1...64) }
        #expect(error?.code == .invalidArgument)
        for part in ["vcpu_count", "\(value)", "1 to 64"] { #expect(error?.message.contains(part) == true) }
    }

    @Test func `labels have limits in number, name and length`() throws {
        try Validation.labels([:])
        try Validation.labels(["a": String(repeating: "v", count: 256)])
        let many = Dictionary(uniqueKeysWithValues: (0...64).map { ("k\($0)", "") })
        for bad in [many, ["a b": ""], ["": ""], ["a": String(repeating: "v", count: 257)]] {
            let error = #expect(throws: VersError.self) { try Validation.labels(bad) }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func `a description is limited in bytes`() throws {
        try Validation.description(String(repeating: "d", count: 1024))
        let error = #expect(throws: VersError.self) {
            try Validation.description(String(repeating: "ä", count: 513))
        }
        #expect(error?.message.contains("1026") == true)
        #expect(error?.message.contains("1024") == true)
    }
}
