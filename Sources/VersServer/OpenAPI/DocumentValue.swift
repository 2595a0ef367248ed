/// A value of the OpenAPI document: JSON, written as Swift literals.
enum DocumentValue: Sendable, Hashable {
    case null
    case boolean(Bool)
    case integer(Int)
    case string(String)
    case array([DocumentValue])
    case object([String: DocumentValue])

    /// A field of an object; setting nil removes it.
    subscript(_ name: String) -> DocumentValue? {
        get {
            guard case .object(let fields) = self else { return nil }
            return fields[name]
        }
        set {
            guard case .object(var fields) = self else { return }
            fields[name] = newValue
            self = .object(fields)
        }
    }

    var text: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var elements: [DocumentValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    var fields: [String: DocumentValue] {
        guard case .object(let fields) = self else { return [:] }
        return fields
    }
}

extension DocumentValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .string(value) }

    init(integerLiteral value: Int) { self = .integer(value) }

    init(booleanLiteral value: Bool) { self = .boolean(value) }

    init(arrayLiteral elements: DocumentValue...) { self = .array(elements) }

    init(dictionaryLiteral elements: (String, DocumentValue)...) {
        self = .object(Dictionary(elements) { _, last in last })
    }
}

extension DocumentValue: Encodable {
    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .boolean(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let value): try container.encode(value)
        case .object(let value): try container.encode(value)
        }
    }
}
