import Foundation
import VersAPI
import VersCore

/// What `vers` asks for once it has agreed on `vers-tunnel/1`: one line of JSON. The answer is one line, too; after an
/// `{"ok":true}` the connection is that to the guest.
///
/// ```
/// {"key":"<api key>","host":null,"port":5432}
/// {"ok":false,"code":"unavailable","error":"nothing listens on port 5432","hint":"…"}
/// ```
struct TunnelRequest: Decodable, Equatable {
    static let maximumLength = 4096

    var key: String
    /// As the guest sees it; the guest itself when null or absent.
    var host: String?
    var port: UInt16

    struct Answer: Encodable {
        var ok: Bool
        var code: ErrorCode?
        var error: String?
        var hint: String?
    }

    /// - Parameter line: without its end.
    init(line: some Sequence<UInt8>) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(line))
        } catch {
            // The cause may quote the line, which has the key.
            throw VersError(
                .invalidBody,
                "invalid first line of \(ProtocolChoice.tunnel): expected {\"key\":TEXT,\"host\":TEXT or null,\"port\":1...65535}"
            )
        }
        if let host, !(1...253).contains(host.utf8.count) || host.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) {
            throw VersError(.invalidField, "invalid host '\(host.prefix(80))': expected a name or an address")
        }
        guard port > 0 else { throw VersError(.invalidField, "invalid port 0: expected 1 to 65535") }
    }

    var endpoint: GuestEndpoint { GuestEndpoint(host: host, port: port) }

    static func answer(_ error: VersError?) -> [UInt8] {
        let answer = Answer(ok: error == nil, code: error?.code, error: error?.message, hint: error?.hint)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Texts and a flag: nothing that could fail to encode.
        let line = (try? encoder.encode(answer)) ?? Data(#"{"ok":false}"#.utf8)
        return Array(line) + [UInt8(ascii: "\n")]
    }
}
