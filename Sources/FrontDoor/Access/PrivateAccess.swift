import Foundation
import VersAPI
import VersCore

/// Decides who may use a port of a private VM, by the first request of the connection.
struct PrivateAccess: Sendable {
    let signer: LinkSigner
    let domain: any FrontDoorDomain
    let visit: DoorConnection.Visit
    let port: UInt16

    enum Decision: Equatable {
        case admit
        /// What the client is answered instead.
        case answer([UInt8])
    }

    func decide(_ head: RequestHead) async -> Decision {
        if let token = head.cookie(cookieName), isValid(token) { return .admit }
        if let (token, target) = head.removing(parameter: LinkSigner.parameter),
            let expiry = signer.expiry(of: token, for: visit.machine, port: port)
        {
            // A form that is sent to a link cannot be sent again to where it is led.
            guard head.method == "GET" || head.method == "HEAD" else { return .admit }
            return .answer(redirect(to: target, token: token, expiry: expiry))
        }
        if await hasKey(head) { return .admit }
        let error = VersError(
            .unauthenticated,
            "port \(port) of vm \(visit.machine) is private",
            hint: "ask for a link: vers expose \(visit.machine) --link --port \(port); or send an API key: "
                + "Authorization: Bearer <key>"
        )
        return .answer(PlainAnswer.page(status: 401, error, headers: ["WWW-Authenticate: Bearer"]))
    }

    /// Cookies know hosts, not ports.
    private var cookieName: String { "vers_link_\(port)" }

    private func isValid(_ token: Substring) -> Bool {
        signer.expiry(of: token, for: visit.machine, port: port) != nil
    }

    private func redirect(to target: String, token: Substring, expiry: Date) -> [UInt8] {
        let age = max(1, Int(expiry.timeIntervalSinceNow))
        let lines = [
            "HTTP/1.1 302 Found", "Location: \(target)", "Content-Length: 0", "Cache-Control: no-store",
            "Referrer-Policy: no-referrer",
            "Set-Cookie: \(cookieName)=\(token); Path=/; Max-Age=\(age); Secure; HttpOnly; SameSite=Lax",
            "Connection: close",
        ]
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private func hasKey(_ head: RequestHead) async -> Bool {
        let scheme = "bearer "
        for value in head.values(of: "authorization") where value.lowercased().hasPrefix(scheme) {
            let key = value.dropFirst(scheme.count).trimmingCharacters(in: .whitespaces)
            // Whatever is wrong with it: it is no permission.
            if let principal = try? await domain.authenticate(key),
                principal.organisationID == visit.reach.organisationID
            {
                return true
            }
        }
        return false
    }
}
