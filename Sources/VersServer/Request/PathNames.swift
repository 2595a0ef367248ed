import Foundation
import Hummingbird
import VersAPI

// Names in paths.

extension APIRequestContext {
    /// The text in the path, decoded.
    /// - Throws: `.invalidArgument` when it is not UTF-8.
    func pathText(_ capture: String) throws -> String {
        let text = parameters.get(capture) ?? ""
        guard let decoded = text.removingPercentEncoding else {
            throw VersError(
                .invalidArgument,
                "invalid path parameter \(capture) '\(text.prefix(80))': expected UTF-8, percent-encoded"
            )
        }
        return decoded
    }

    /// - Throws: `.invalidArgument` unless it is a valid name.
    func pathName(_ capture: String, of what: String) throws -> String {
        let text = try pathText(capture)
        guard ResourceName.isValid(text) else {
            throw VersError(
                .invalidArgument,
                "invalid \(what) '\(text.prefix(80))': expected \(ResourceName.expectation)"
            )
        }
        return text
    }

    /// A commit's id, or what else can stand for one.
    /// - Throws: `.invalidArgument` naming the parameter.
    func commitName(_ parameter: String) throws -> CommitName {
        let text = try pathText("id")
        guard let name = CommitName(text) else {
            throw VersError(
                .invalidArgument,
                "invalid path parameter \(parameter) '\(text.prefix(64))': expected a UUID, a tag, or repo:tag"
            )
        }
        return name
    }

    func tagName() throws -> String { try pathName("tag", of: "tag name") }

    func repositoryName() throws -> String { try pathName("repo", of: "repository name") }

    func organisationName() throws -> String { try pathName("org", of: "organisation name") }
}
