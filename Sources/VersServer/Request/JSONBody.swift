import Foundation
import NIOCore
import VersAPI

/// A request's body as JSON, with errors that name the field.
struct JSONBody {
    private let data: Data

    init(_ buffer: ByteBuffer) { data = Data(buffer.readableBytesView) }

    /// Empty, white space, or `null`.
    var isNothing: Bool {
        let text = data.prefix(64).filter { !Self.whiteSpace.contains($0) }
        return (text.isEmpty && data.count <= 64) || (text.elementsEqual("null".utf8) && data.count <= 64)
    }

    /// - Throws: `.invalidBody` (400) when it is not JSON, `.invalidField` (422) when a field is wrong.
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard !data.allSatisfy(Self.whiteSpace.contains) else {
            throw VersError(.invalidBody, "the request has no body: expected a JSON object")
        }
        do {
            return try JSONCoding.decode(type, from: data)
        } catch let error as DecodingError {
            if case .dataCorrupted(let context) = error, context.codingPath.isEmpty,
                let number = UnfitNumber(in: data)
            {
                throw Self.invalidField("field '\(number.path)': \(number.value) is no integer in range", error)
            }
            throw Self.explain(error)
        }
    }

    private static let whiteSpace: Set<UInt8> = [0x20, 0x09, 0x0A, 0x0D]

    private static func explain(_ error: DecodingError) -> VersError {
        switch error {
        case .keyNotFound(let key, let context):
            invalidField("missing field '\(path(context.codingPath + [key]))'", error)
        case .valueNotFound(let type, let context):
            wrongType(type, context, error)
        case .typeMismatch(let type, let context):
            wrongType(type, context, error)
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            VersError(.invalidBody, "the body is not JSON: \(sentence(context.debugDescription))", cause: error)
        case .dataCorrupted(let context):
            invalidField("field '\(path(context.codingPath))': \(sentence(context.debugDescription))", error)
        @unknown default:
            VersError(.invalidBody, "the body cannot be read", cause: error)
        }
    }

    private static func wrongType(_ type: Any.Type, _ context: DecodingError.Context, _ error: any Error) -> VersError {
        guard !context.codingPath.isEmpty else {
            return invalidField("the body has the wrong type: expected \(name(of: type))", error)
        }
        return invalidField("field '\(path(context.codingPath))' has the wrong type: expected \(name(of: type))", error)
    }

    private static func invalidField(_ message: String, _ cause: any Error) -> VersError {
        VersError(.invalidField, message, cause: cause)
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }

    private static func name(of type: Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is UInt16.Type: "an integer from 0 to \(UInt16.max)"
        case is UInt32.Type: "an integer from 0 to \(UInt32.max)"
        case is UInt64.Type: "an integer from 0 to \(UInt64.max)"
        case is Int32.Type: "an integer from \(Int32.min) to \(Int32.max)"
        case is any FixedWidthInteger.Type: "an integer"
        case is [Any].Type: "an array"
        default: "an object"
        }
    }

    /// Foundation's descriptions are sentences; ours are not.
    private static func sentence(_ text: String) -> String {
        guard let first = text.first else { return "" }
        let body = text.hasSuffix(".") ? text.dropLast() : text[...]
        return first.lowercased() + body.dropFirst()
    }
}
