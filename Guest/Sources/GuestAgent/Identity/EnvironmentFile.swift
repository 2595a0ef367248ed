import Glibc
import GuestProtocol

/// Our variables in `/etc/environment`, between two marks.
enum EnvironmentFile {
    private static let path = "/etc/environment"
    private static let begin = "# vers: begin (replaced by the host)"
    private static let end = "# vers: end"

    static func install(_ variables: [EnvironmentVariable]) throws(SystemError) {
        let present = SmallFile.readText(path)
        // A file that is there and cannot be read, or is no text of a sensible size, is its user's business.
        if present == nil, variables.isEmpty || access(path, F_OK) == 0 { return }
        try SmallFile.replace(path, with: replacing(present ?? "", with: variables), mode: 0o644)
    }

    /// The text with our block replaced, or without it when there are no variables. Lines outside of the block are the
    /// user's and stay as they are. What the format cannot hold (a line break, a double quote) is left to the
    /// environment of commands.
    static func replacing(_ text: String, with variables: [EnvironmentVariable]) -> String {
        var kept = text.split(separator: "\n", omittingEmptySubsequences: false)
        let hadBlock = removeBlocks(from: &kept)
        if variables.isEmpty, !hadBlock { return text }
        while kept.last == "" { kept.removeLast() }
        var lines = kept.map(String.init)
        let block = variables.sorted { $0.name < $1.name }.compactMap(line)
        if !block.isEmpty { lines += [begin] + block + [end] }
        return lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n"
    }

    /// Removes every block from its first mark to its last.
    /// - Returns: whether there was one. A mark whose other mark is gone marks nothing: it goes alone.
    private static func removeBlocks(from lines: inout [Substring]) -> Bool {
        var hadBlock = false
        while let first = lines.firstIndex(where: { $0 == begin }) {
            let next = lines[(first + 1)...].firstIndex { $0 == begin || $0 == end }
            if let next, lines[next] == end { lines.removeSubrange(first...next) } else { lines.remove(at: first) }
            hadBlock = true
        }
        return hadBlock
    }

    private static func line(_ variable: EnvironmentVariable) -> String? {
        let value = variable.value
        guard !value.utf8.contains(where: { $0 == 10 || $0 == 13 || $0 == 0 }), !value.contains("\"") else {
            return nil
        }
        return "\(variable.name)=\"\(value)\""
    }
}
