import Foundation
import VersAPI
import VersClient

extension Session {
    /// How this client comes in at the server's front door.
    /// - Throws: `.unavailable` when the server has none that listens.
    func door() async throws -> TunnelDoor {
        let answer = try await client.frontDoor()
        guard answer.is_listening, let port = answer.port else {
            throw VersError(
                .unavailable,
                "the server's front door is closed" + (answer.problem.map { ": \($0)" } ?? ""),
                hint: "see versd's option --front-door; 'vers connect --agent' and 'vers execute' need no door"
            )
        }
        return TunnelDoor(
            host: try host(listeningAt: answer.address),
            port: Int(port),
            domain: answer.domain,
            certificateAuthority: answer.ca_certificate
        )
    }

    /// Where to connect to: a door that listens on every address, or on the loopback of another machine behind a
    /// forwarded port, is where the server is.
    private func host(listeningAt address: String) throws -> String {
        let environment = try DotEnv.environment(of: context)
        let server = environment["VERS_URL"].flatMap { URL(string: $0)?.host }
        switch address {
        case "", "*", "0.0.0.0", "::": return server ?? "127.0.0.1"
        case "127.0.0.1", "::1": return server ?? address
        default: return address
        }
    }
}
