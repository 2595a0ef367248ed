import Foundation

/// The number in a JSON document that most probably does not fit its field.
///
/// `JSONDecoder` reports a number that the field's type cannot hold as "not valid JSON", without a place or a value
/// (Foundation of Swift 6.3). All numbers of the API are integers, so a fraction is the first suspect, then what no
/// integer type holds, then a negative number, then the largest.
struct UnfitNumber {
    var path: String
    var value: String
    private var suspicion: (Int, Double)

    /// Nil when the document is really no JSON, or holds no number.
    init?(in document: Data) {
        guard let root = try? JSONSerialization.jsonObject(with: document, options: .fragmentsAllowed) else {
            return nil
        }
        guard let worst = Self.numbers(in: root, path: "").max(by: { $0.suspicion < $1.suspicion }) else { return nil }
        self = worst
    }

    private init(path: String, number: NSNumber) {
        let double = number.doubleValue
        self.path = path
        let isWhole = double == double.rounded()
        value = isWhole && abs(double) < 1e15 ? "\(number.int64Value)" : "\(double)"
        let rank = !isWhole ? 3 : abs(double) >= 0x1p63 ? 2 : double < 0 ? 1 : 0
        suspicion = (rank, abs(double))
    }

    private static func numbers(in value: Any, path: String) -> [UnfitNumber] {
        func below(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
        switch value {
        case let object as [String: Any]: return object.flatMap { numbers(in: $0.value, path: below($0.key)) }
        case let array as [Any]:
            return array.enumerated().flatMap { numbers(in: $0.element, path: below("\($0.offset)")) }
        case is Bool: return []
        case let number as NSNumber: return [UnfitNumber(path: path, number: number)]
        default: return []
        }
    }
}
