import Foundation
import SystemPackage
import VersAPI

/// Where the server is, and how its URLs are written.
enum ServerAddress: Sendable {
    case url(String)
    case unixSocket(FilePath)

    /// What a person would call it.
    var name: String {
        switch self {
        case .url(let url): url
        case .unixSocket(let path): path.string
        }
    }

    /// The part before the path of every request.
    /// - Throws: ``VersError`` `.invalidArgument`.
    func origin() throws -> String {
        switch self {
        case .unixSocket(let path):
            let host = path.string.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            return "http+unix://" + host
        case .url(let text):
            let trimmed = text.hasSuffix("/") ? String(text.dropLast()) : text
            guard
                let url = URLComponents(string: trimmed), let scheme = url.scheme?.lowercased(),
                ["http", "https"].contains(scheme), url.host?.isEmpty == false, url.path.isEmpty, url.query == nil
            else {
                throw VersError(
                    .invalidArgument,
                    "invalid server URL '\(text)': expected http://host:port without a path"
                )
            }
            return trimmed
        }
    }
}
