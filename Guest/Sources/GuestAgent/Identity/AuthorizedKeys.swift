import Glibc

/// The key that the host's owner enters with.
enum AuthorizedKeys {
    /// The comment of the one line that is ours.
    static let comment = "vers"

    static func install(_ line: String) throws(SystemError) {
        guard !line.isEmpty else { return }
        let directory = "\(home())/.ssh"
        if mkdir(directory, 0o700) != 0, errno != EEXIST {
            if errno != ENOENT { throw SystemError("create \(directory)") }
            try SmallFile.makeDirectories(directory, mode: 0o700)
        }
        let path = "\(directory)/authorized_keys"
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

    private static func home() -> String {
        for line in (SmallFile.readText("/etc/passwd") ?? "").split(separator: "\n") {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count >= 6, fields[0] == "root", fields[5].hasPrefix("/") { return String(fields[5]) }
        }
        return "/root"
    }
}
