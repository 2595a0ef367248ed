import Hummingbird
import HummingbirdCore
import VersAPI

/// The options in a request's query, checked.
struct QueryOptions {
    private let parameters: FlatDictionary<Substring, Substring>

    init(_ request: Request) { parameters = request.uri.queryParameters }

    func text(_ name: String) -> String? { parameters[name[...]].map(String.init) }

    /// - Throws: `.invalidArgument` unless absent, `true`, `false`, `1` or `0`.
    func flag(_ name: String, default fallback: Bool = false) throws -> Bool {
        guard let text = text(name) else { return fallback }
        switch text {
        case "true", "1": return true
        case "false", "0": return false
        default: throw invalid(name, text, expected: "true or false")
        }
    }

    /// - Throws: `.invalidArgument` naming the value and the range.
    func integer<Value: FixedWidthInteger>(
        _ name: String,
        default fallback: Value,
        in range: ClosedRange<Value>
    ) throws -> Value {
        guard let text = text(name) else { return fallback }
        guard let value = Value(text), range.contains(value) else {
            throw invalid(name, text, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// - Throws: `.invalidArgument` unless absent or a UUID.
    func id<ID: ResourceIdentifier>(_ name: String, as type: ID.Type) throws -> ID? {
        guard let text = text(name) else { return nil }
        guard let id = ID(text) else { throw invalid(name, text, expected: "a UUID") }
        return id
    }

    private func invalid(_ name: String, _ text: String, expected: String) -> VersError {
        VersError(.invalidArgument, "invalid query parameter \(name) '\(text.prefix(64))': expected \(expected)")
    }
}
