import Testing
import VersAPI

@testable import VersCommands

@Suite struct ResolverTests {
    private static let ids = ["5e0a1c2b", "5e0a9999", "7fffffff"].compactMap {
        MachineID("\($0)-0000-4000-8000-000000000000")
    }

    @Test func anUnambiguousPrefix() throws {
        #expect(try Resolver.pick("7fff", among: Self.ids, as: .machine) == Self.ids[2])
        #expect(try Resolver.pick("5E0A1", among: Self.ids, as: .machine) == Self.ids[0])
    }

    @Test func anAmbiguousPrefixNamesTheCandidates() throws {
        let error = #expect(throws: VersError.self) { try Resolver.pick("5e0a", among: Self.ids, as: .machine) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains(Self.ids[0].text) == true)
        #expect(error?.message.contains(Self.ids[1].text) == true)
        #expect(error?.message.contains(Self.ids[2].text) == false)
    }

    @Test func anUnknownPrefixIsNotFound() {
        let error = #expect(throws: VersError.self) { try Resolver.pick("abcd", among: Self.ids, as: .machine) }
        #expect(error?.code == .notFound)
    }

    @Test(arguments: ["", "7", "7ff"])
    func aShortPrefixStandsForNothing(_ prefix: String) {
        let error = #expect(throws: VersError.self) {
            try Resolver.pick(prefix, among: [Self.ids[2]], as: .registration)
        }
        #expect(error?.code == .notFound)
        #expect(error?.hint == "see 'vers registration list'")
    }

    @Test func aKeyThatWasTypedWholeIsNotShownWhole() {
        let error = Resolver.unknown(.key, String(repeating: "5e0a1c2b", count: 12))
        #expect(error.message.contains("'5e0a1c2b'"))
    }

    @Test(arguments: [("5e0", false), ("5e0a", true), ("5e0a1c2b-7d", true), ("web1", false), ("", false)])
    func whatCanBeAPrefix(_ text: String, _ expected: Bool) { #expect(Resolver.isPrefix(text) == expected) }
}
