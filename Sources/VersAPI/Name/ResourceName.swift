/// The rule for names of tags, repositories, labels and commits: safe in a path, a URL and a shell.
public enum ResourceName {
    public static let lengthRange = 1...64
    /// What a refusal says was expected.
    public static let expectation =
        "1 to 64 letters, digits, '.', '_' or '-', starting with a letter, a digit or '_'"

    /// Whether `text` is of the form `[A-Za-z0-9_][A-Za-z0-9._-]{0,63}`.
    public static func isValid(_ text: String) -> Bool {
        guard lengthRange.contains(text.utf8.count), let first = text.utf8.first else { return false }
        return (isAlphanumeric(first) || first == UInt8(ascii: "_"))
            && text.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
    }

    /// Whether `text` can name a tag or a repository: valid, and not to be taken for an id.
    public static func isTagName(_ text: String) -> Bool { isValid(text) && CommitID(text) == nil }

    /// - Parameter what: what the name is of, for the message.
    /// - Throws: `.invalidArgument` naming the value, unless it can name a tag or a repository.
    public static func checkTagName(_ text: String, of what: String) throws(VersError) {
        guard isValid(text) else {
            throw VersError(.invalidArgument, "invalid \(what) '\(text.prefix(80))': expected \(expectation)")
        }
        guard CommitID(text) == nil else {
            throw VersError(.invalidArgument, "invalid \(what) '\(text)': a name may not look like an id")
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
