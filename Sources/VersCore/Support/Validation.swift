import VersAPI

/// The limits of what a caller may ask for. One place, so that every surface refuses the same.
enum Validation {
    static let nameLength = 1...64
    static let labelCount = 64
    static let labelValueLength = 256
    static let descriptionLength = 1024

    /// A name of the form `[A-Za-z0-9_][A-Za-z0-9._-]{0,63}`: safe in a path, a URL and a shell.
    static func isName(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard nameLength.contains(bytes.count), let first = bytes.first else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "_"))
            && bytes.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    static func name(_ text: String, of what: String) throws {
        guard isName(text) else {
            throw VersError(
                .invalidArgument,
                "invalid \(what) '\(text.prefix(80))': expected 1 to 64 letters, digits, '.', '_' or '-', "
                    + "starting with a letter, a digit or '_'"
            )
        }
    }

    static func description(_ text: String) throws {
        guard text.utf8.count <= descriptionLength else {
            throw VersError(
                .invalidArgument,
                "description of \(text.utf8.count) bytes is too long: expected at most \(descriptionLength)"
            )
        }
    }

    static func labels(_ labels: [String: String]) throws {
        guard labels.count <= labelCount else {
            throw VersError(.invalidArgument, "\(labels.count) labels are too many: expected at most \(labelCount)")
        }
        for (key, value) in labels {
            try name(key, of: "label name")
            guard value.utf8.count <= labelValueLength else {
                throw VersError(
                    .invalidArgument,
                    "value of label '\(key)' has \(value.utf8.count) bytes: expected at most \(labelValueLength)"
                )
            }
        }
    }

    static func value(_ value: Int, of what: String, in range: ClosedRange<Int>) throws {
        guard range.contains(value) else {
            throw VersError(
                .invalidArgument,
                "invalid \(what) \(value): expected \(range.lowerBound) to \(range.upperBound)"
            )
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
