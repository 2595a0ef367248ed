import Foundation
import VersAPI

/// One request to be made, as data.
struct RequestPlan: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    enum Patience: Sendable {
        case request
        case operation
        /// For calls that last as long as a command does.
        case unlimited
    }

    var method: Method
    /// Under `/api/v1`, unless `isAtRoot`.
    var path: String
    var query: [URLQueryItem] = []
    var body: Data?
    /// In place of ``body``, for what is too large to hold.
    var upload: FileUpload?
    var contentType = "application/json"
    var patience: Patience = .request
    var isAtRoot = false

    init(_ method: Method, _ path: String, query: [URLQueryItem] = [], patience: Patience = .request) {
        self.method = method
        self.path = path
        self.query = query
        self.patience = patience
    }

    /// With a JSON body.
    init(
        _ method: Method,
        _ path: String,
        json: some Encodable,
        query: [URLQueryItem] = [],
        patience: Patience = .request
    ) throws {
        self.init(method, path, query: query, patience: patience)
        body = try JSONCoding.encode(json)
    }

    /// Path and query as they go on the wire.
    var target: String {
        let base = (isAtRoot ? "" : "/api/v1") + path
        guard !query.isEmpty else { return base }
        let items = query.map { "\(Self.escape($0.name))=\(Self.escape($0.value ?? ""))" }
        return base + "?" + items.joined(separator: "&")
    }

    /// A text of the caller's as one segment of a path.
    static func segment(_ text: String) -> String { escape(text) }

    private static func escape(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    /// RFC 3986, section 2.3. A plus sign, for one, means a space to some servers.
    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
    )
}

extension URLQueryItem {
    static func flag(_ name: String, _ value: Bool) -> URLQueryItem { URLQueryItem(name: name, value: "\(value)") }
}
