/// The key that the host's owner enters with.
enum AuthorizedKeys {
    /// The comment of the one line that is ours.
    static let comment = "vers"

    static func install(_ line: String) throws(SystemError) {
        guard !line.isEmpty else { return }
        let path = "\(try RootUser.sshDirectory())/authorized_keys"
        try SmallFile.replace(path, with: replacing(SmallFile.readText(path) ?? "", with: line), mode: 0o600)
    }

    /// Every line but ours, then the new one.
    static func replacing(_ text: String, with line: String) -> String {
        let key = line.split(whereSeparator: \.isWhitespace).prefix(2).joined(separator: " ")
        let others = text.split(separator: "\n", omittingEmptySubsequences: false).filter {
            $0.split(whereSeparator: \.isWhitespace).last.map(String.init) != comment
        }
        let kept = others.last == "" ? others.dropLast() : others[...]
        return (kept.map(String.init) + ["\(key) \(comment)"]).joined(separator: "\n") + "\n"
    }
}
