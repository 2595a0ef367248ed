/// The key that the host's owner enters with.
///
/// Text is handled as bytes here and in the rest of the identity: what Unicode makes of characters and white space is a
/// third of the code that a VM just restored would have to translate for it.
enum AuthorizedKeys {
    /// The comment of the one line that is ours.
    static let comment = "vers"

    static func install(_ line: String) throws(SystemError) {
        guard !line.isEmpty else { return }
        let path = "\(try RootUser.sshDirectory())/authorized_keys"
        try SmallFile.replace(path, with: replacing(SmallFile.read(path) ?? [], with: Array(line.utf8)), mode: 0o600)
    }

    /// Every line but ours, then the new one.
    static func replacing(_ text: [UInt8], with line: [UInt8]) -> [UInt8] {
        let comment = Array(comment.utf8)
        var result: [UInt8] = []
        result.reserveCapacity(text.count + line.count)
        var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        for kept in lines where words(of: kept).last?.elementsEqual(comment) != true {
            result += kept
            result.append(UInt8(ascii: "\n"))
        }
        for word in words(of: line[...]).prefix(2) {
            result += word
            result.append(UInt8(ascii: " "))
        }
        return result + comment + [UInt8(ascii: "\n")]
    }

    private static func words(of line: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        line.split { $0 == UInt8(ascii: " ") || (9...13).contains($0) }
    }
}
