import Foundation
import Testing
import VersAPI

@testable import VersCore

struct EgressPolicyTests {
    @Test(arguments: [
        ("example.com", "example.com"), ("Example.COM:443", "example.com:443"), ("192.0.2.7", "192.0.2.7"),
        ("192.0.2.0/24:53/udp", "192.0.2.0/24:53/udp"), ("192.0.2.7:80/tcp", "192.0.2.7:80"),
    ])
    func `an entry is understood and written the same way`(text: String, written: String) throws {
        let target = try EgressTarget(parsing: text)
        #expect(target.description == written)
        #expect(try EgressTarget(parsing: written) == target)
    }

    @Test(arguments: [
        "", ":80", "a:0", "a:65536", "a:80/icmp", "a:80/", "192.0.2.1/24", "192.0.2.0/33", "1.2.3", "01.2.3.4", "a..b",
        "-a", "a b", "a;b", "a\nb", "a/24", "fd00::1", "[fd00::1]:80", "a:+80", "*.example.com", "ä.example",
    ])
    func `a wrong entry is refused by name`(text: String) {
        let error = #expect(throws: VersError.self) { try EgressTarget(parsing: text) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("'\(text)'") == true)
    }

    @Test func `policies that do not go together are refused`() throws {
        #expect(try EgressPolicy(nil, allow: nil) == .open)
        #expect(try EgressPolicy(EgressMode.none, allow: nil) == .none)
        #expect(throws: VersError.self) { try EgressPolicy(.open, allow: ["a"]) }
        #expect(throws: VersError.self) { try EgressPolicy(EgressMode.none, allow: ["a"]) }
        #expect(throws: VersError.self) { try EgressPolicy(.list, allow: nil) }
        #expect(throws: VersError.self) { try EgressPolicy(nil, allow: Array(repeating: "a", count: 257)) }
    }

    @Test func `a policy is kept as it is`() throws {
        for policy in [EgressPolicy.open, .none, try EgressPolicy(nil, allow: ["example.com:443", "192.0.2.0/24"])] {
            #expect(try JSONDecoder().decode(EgressPolicy.self, from: JSONEncoder().encode(policy)) == policy)
        }
    }
}
