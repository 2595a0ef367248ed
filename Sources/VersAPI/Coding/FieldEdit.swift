/// What an edit does to a field that may be without a value.
public enum FieldEdit<Value: Codable & Sendable & Equatable>: Sendable, Equatable {
    /// The field is absent from the request.
    case keep
    /// The field is `null`.
    case clear
    case set(Value)

    /// `present` after the edit.
    public func applied(to present: Value?) -> Value? {
        switch self {
        case .keep: present
        case .clear: nil
        case .set(let value): value
        }
    }
}

extension KeyedDecodingContainer {
    func decodeEdit<Value>(_ type: Value.Type, forKey key: Key) throws -> FieldEdit<Value> {
        guard contains(key) else { return .keep }
        return try decodeIfPresent(type, forKey: key).map(FieldEdit.set) ?? .clear
    }
}

extension KeyedEncodingContainer {
    mutating func encode<Value>(_ edit: FieldEdit<Value>, forKey key: Key) throws {
        switch edit {
        case .keep: break
        case .clear: try encodeNil(forKey: key)
        case .set(let value): try encode(value, forKey: key)
        }
    }
}
