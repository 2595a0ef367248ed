/// The schema of a JSON value, in the words of JSON Schema 2020-12.
struct Schema: Sendable, Hashable {
    private(set) var value: DocumentValue

    private init(_ value: DocumentValue) { self.value = value }

    static let boolean = Schema(["type": "boolean"])
    static let uuid = Schema(["type": "string", "format": "uuid"])
    /// RFC 3339, UTC.
    static let timestamp = Schema(["type": "string", "format": "date-time"])
    static let base64 = Schema(["type": "string", "contentEncoding": "base64"])
    static let string = Schema(["type": "string"])
    static let anything = Schema([:])

    static func string(length: ClosedRange<Int>, pattern: String? = nil) -> Schema {
        var schema = Schema.string
        schema.value["minLength"] = .integer(length.lowerBound)
        schema.value["maxLength"] = .integer(length.upperBound)
        schema.value["pattern"] = pattern.map(DocumentValue.string)
        return schema
    }

    /// A name as Vers takes them: safe in a path, a URL and a shell.
    static let name = string(length: 1...64, pattern: "^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$")

    static func integer(_ range: ClosedRange<Int>) -> Schema {
        Schema(["type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound)])
    }

    /// An integer that is not negative.
    static let count = Schema(["type": "integer", "minimum": 0])

    /// One of fixed texts.
    static func choice(_ values: [String]) -> Schema {
        Schema(["type": "string", "enum": .array(values.map(DocumentValue.string))])
    }

    /// One fixed truth value.
    static func choice(of value: Bool) -> Schema { Schema(["type": "boolean", "enum": [.boolean(value)]]) }

    static func array(of element: Schema, minimum: Int = 0) -> Schema {
        var schema = Schema(["type": "array", "items": element.value])
        if minimum > 0 { schema.value["minItems"] = .integer(minimum) }
        return schema
    }

    /// An object with any names.
    static func map(of element: Schema) -> Schema {
        Schema(["type": "object", "additionalProperties": element.value])
    }

    /// One of the document's named schemas.
    static func named(_ name: String) -> Schema { Schema(["$ref": .string("#/components/schemas/\(name)")]) }

    static func any(of alternatives: [Schema]) -> Schema { Schema(["anyOf": .array(alternatives.map(\.value))]) }

    /// Exactly one of the fields must be there.
    func exactlyOne(of names: [String]) -> Schema {
        var schema = self
        schema.value["oneOf"] = .array(names.map { ["required": [.string($0)]] })
        return schema
    }

    /// Fields that are always there, and fields that may be absent or null. Others may come with a newer version.
    static func object(_ required: [String: Schema], optional: [String: Schema] = [:]) -> Schema {
        var properties = required.mapValues(\.value)
        for (name, schema) in optional { properties[name] = schema.orNull.value }
        var schema = Schema(["type": "object", "properties": .object(properties)])
        if !required.isEmpty { schema.value["required"] = .array(required.keys.sorted().map(DocumentValue.string)) }
        return schema
    }

    /// The same, or `null`.
    var orNull: Schema {
        guard let type = value["type"]?.text else { return Schema(["anyOf": [value, ["type": "null"]]]) }
        var schema = self
        schema.value["type"] = [.string(type), "null"]
        if let choices = value["enum"]?.elements { schema.value["enum"] = .array(choices + [.null]) }
        return schema
    }

    func about(_ text: String) -> Schema {
        var schema = self
        schema.value["description"] = .string(text)
        return schema
    }

    func standard(_ standard: DocumentValue) -> Schema {
        var schema = self
        schema.value["default"] = standard
        return schema
    }

    func example(_ example: DocumentValue) -> Schema {
        var schema = self
        schema.value["examples"] = [example]
        return schema
    }
}
