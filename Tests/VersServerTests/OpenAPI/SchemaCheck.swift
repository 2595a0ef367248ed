import Foundation

/// Compares a JSON value with a schema of the document, more strictly than clients do: an object may have no field that
/// the schema does not name.
struct SchemaCheck {
    private let schemas: [String: Any]

    init(document: [String: Any]) {
        schemas = (document["components"] as? [String: Any])?["schemas"] as? [String: Any] ?? [:]
    }

    /// What is wrong with `value`, as `path: what`.
    func problems(of value: Any, in schema: [String: Any], at path: String = "answer") -> [String] {
        if let name = (schema["$ref"] as? String)?.split(separator: "/").last.map(String.init) {
            guard let named = schemas[name] as? [String: Any] else { return ["\(path): no schema '\(name)'"] }
            return problems(of: value, in: named, at: path)
        }
        if let alternatives = schema["anyOf"] as? [[String: Any]] {
            let all = alternatives.map { problems(of: value, in: $0, at: path) }
            return all.contains(where: \.isEmpty) ? [] : all.flatMap(\.self)
        }
        if let choices = schema["enum"] as? [AnyHashable], let value = value as? AnyHashable, !choices.contains(value) {
            return ["\(path): \(value) is none of \(choices)"]
        }
        let types = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? []
        let own = Self.types(of: value)
        guard types.isEmpty || !own.isDisjoint(with: types) else { return ["\(path): \(own), expected \(types)"] }
        switch value {
        case let object as [String: Any]: return problems(of: object, in: schema, at: path)
        case let array as [Any]:
            guard let items = schema["items"] as? [String: Any] else { return [] }
            return array.enumerated().flatMap { problems(of: $0.element, in: items, at: "\(path)[\($0.offset)]") }
        default: return []
        }
    }

    private func problems(of object: [String: Any], in schema: [String: Any], at path: String) -> [String] {
        let required = schema["required"] as? [String] ?? []
        var problems = required.filter { object[$0] == nil }.map { "\(path): '\($0)' is missing" }
        guard let properties = schema["properties"] as? [String: Any] else {
            guard let each = schema["additionalProperties"] as? [String: Any] else { return problems }
            return problems + object.flatMap { self.problems(of: $0.value, in: each, at: "\(path).\($0.key)") }
        }
        for (name, value) in object {
            guard let property = properties[name] as? [String: Any] else {
                problems.append("\(path): '\(name)' is not documented")
                continue
            }
            problems += self.problems(of: value, in: property, at: "\(path).\(name)")
        }
        return problems
    }

    /// 0 and 1 have two: Foundation cannot tell them from `false` and `true` everywhere.
    private static func types(of value: Any) -> Set<String> {
        switch value {
        case is NSNull: return ["null"]
        case is String: return ["string"]
        case is [Any]: return ["array"]
        case is [String: Any]: return ["object"]
        case is Bool: return ["boolean", "integer"]
        default: return value is NSNumber ? ["integer"] : []
        }
    }
}
