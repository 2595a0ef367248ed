import AsyncHTTPClient
import Foundation
import NIOCore
import NIOFoundationCompat
import NIOHTTP1
import VersAPI

/// Requests to one registry: tokens, redirects, and errors in our words.
final class RegistryTransport {
    private static let maximumRedirects = 5
    private static let patience = TimeAmount.seconds(60)
    private static let tokenBytes = 1 << 20

    private let client: HTTPClient
    private let isPlain: Bool
    private let repository: String
    private var token: String?

    init(client: HTTPClient, isPlain: Bool, repository: String) {
        self.client = client
        self.isPlain = isPlain
        self.repository = repository
    }

    func get(_ url: String, accept: [String], limit: Int) async throws -> [UInt8] {
        let response = try await open(url, accept: accept)
        do {
            return Array(buffer: try await response.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw VersError(.payloadTooLarge, "a document of the registry is larger than \(limit) bytes")
        } catch {
            throw Self.lost(url, error)
        }
    }

    func stream(_ url: String, _ body: (ByteBuffer) throws -> Void) async throws {
        let response = try await open(url, accept: ["*/*"])
        var iterator = response.body.makeAsyncIterator()
        while true {
            let buffer: ByteBuffer?
            do {
                buffer = try await iterator.next()
            } catch {
                throw Self.lost(url, error)
            }
            guard let buffer else { return }
            try body(buffer)
        }
    }

    /// The answer, after whatever the registry asks for first.
    private func open(_ url: String, accept: [String]) async throws -> HTTPClientResponse {
        var target = url
        var hasAskedForToken = false
        var redirects = 0
        while true {
            var request = HTTPClientRequest(url: target)
            for type in accept { request.headers.add(name: "Accept", value: type) }
            // A token is for the registry, not for wherever it sends us.
            if let token, Self.origin(of: target) == Self.origin(of: url) {
                request.headers.add(name: "Authorization", value: "Bearer \(token)")
            }
            let response = try await execute(request)
            switch response.status.code {
            case 200: return response
            case 301, 302, 303, 307, 308:
                redirects += 1
                target = try redirect(response, from: target, count: redirects)
            case 401 where !hasAskedForToken:
                hasAskedForToken = true
                token = try await fetchToken(challenge: response.headers.first(name: "WWW-Authenticate") ?? "")
            default: throw failure(response.status.code, url)
            }
        }
    }

    private func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        do {
            return try await client.execute(request, timeout: Self.patience)
        } catch {
            throw Self.lost(request.url, error)
        }
    }

    private func redirect(_ response: HTTPClientResponse, from url: String, count: Int) throws -> String {
        guard count <= Self.maximumRedirects, let location = response.headers.first(name: "Location"),
            let next = URL(string: location, relativeTo: URL(string: url))?.absoluteURL, isAllowed(next)
        else {
            throw VersError(.unavailable, "the registry redirects '\(repository)' to where it cannot be followed")
        }
        return next.absoluteString
    }

    /// Encrypted, unless the registry itself is spoken to in the clear.
    private func isAllowed(_ url: URL) -> Bool { url.scheme == "https" || (isPlain && url.scheme == "http") }

    // MARK: Tokens

    /// The distribution specification's anonymous token: `Bearer realm="…",service="…",scope="…"`.
    private func fetchToken(challenge: String) async throws -> String {
        let fields = Self.fields(of: challenge)
        guard challenge.lowercased().hasPrefix("bearer "), let realm = fields["realm"],
            var components = URLComponents(string: realm), let base = components.url, isAllowed(base)
        else {
            throw VersError(
                .forbidden,
                "the registry wants an account for '\(repository)': only images that anybody may read can be fetched",
                hint: "pull it with docker, docker save it, and import the archive"
            )
        }
        var items = components.queryItems ?? []
        if let service = fields["service"] { items.append(URLQueryItem(name: "service", value: service)) }
        items.append(URLQueryItem(name: "scope", value: fields["scope"] ?? "repository:\(repository):pull"))
        components.queryItems = items
        let response = try await execute(HTTPClientRequest(url: components.url?.absoluteString ?? realm))
        guard response.status == .ok else { throw failure(response.status.code, realm) }
        struct Answer: Decodable {
            var token: String?
            var access_token: String?
        }
        let bytes: [UInt8]
        do {
            bytes = Array(buffer: try await response.body.collect(upTo: Self.tokenBytes))
        } catch {
            throw Self.lost(realm, error)
        }
        let answer = try ImageDocuments.decode(Answer.self, bytes, "the token")
        guard let token = answer.token ?? answer.access_token, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else {
            throw VersError(.unavailable, "the registry gave no token for '\(repository)'")
        }
        return token
    }

    /// `name="value"` pairs behind the scheme.
    static func fields(of challenge: String) -> [String: String] {
        var fields: [String: String] = [:]
        var rest = challenge.drop { $0 != " " }.dropFirst()
        while let equals = rest.firstIndex(of: "=") {
            let name = rest[..<equals].filter { $0 != " " && $0 != "," }.lowercased()
            rest = rest[rest.index(after: equals)...]
            if rest.first == "\"" {
                rest = rest.dropFirst()
                let value = rest.prefix { $0 != "\"" }
                fields[name] = String(value)
                rest = rest.dropFirst(value.count + 1)
            } else {
                let value = rest.prefix { $0 != "," }
                fields[name] = String(value)
                rest = rest.dropFirst(value.count)
            }
        }
        return fields
    }

    // MARK: Errors

    private func failure(_ status: UInt, _ url: String) -> VersError {
        switch status {
        case 401, 403:
            VersError(
                .forbidden,
                "the registry does not let anybody read '\(repository)' (status \(status)), or has no such image",
                hint: "check the name; for a private image, docker save it and import the archive"
            )
        case 404: VersError(.notFound, "the registry has no such image: '\(repository)' (\(Self.origin(of: url)))")
        case 429: VersError(.unavailable, "the registry has had too many requests from here", hint: "try again later")
        case 500...: VersError(.unavailable, "the registry at \(Self.origin(of: url)) fails with status \(status)")
        default: VersError(.internal, "the registry at \(Self.origin(of: url)) answers with status \(status)")
        }
    }

    private static func lost(_ url: String, _ error: any Error) -> VersError {
        VersError(
            .unavailable,
            "the registry at \(origin(of: url)) cannot be reached: \(String(describing: error).prefix(200))",
            hint: "check the name and the network; a registry without TLS must be named in VERS_INSECURE_REGISTRIES",
            cause: error
        )
    }

    private static func origin(of url: String) -> String {
        guard let url = URL(string: url), let host = url.host() else { return url }
        return "\(url.scheme ?? "")://\(host)\(url.port.map { ":\($0)" } ?? "")"
    }
}
