import Glibc

/// Our lines in a file of the guest's user, between two marks. What is outside of them stays as it is.
enum MarkedBlock {
    private static let begin = "# vers: begin (replaced by the host)"
    private static let end = "# vers: end"

    /// Replaces our lines in a file. A file that is there and cannot be read, or is no text of a sensible size, is its
    /// user's business.
    static func install(_ lines: [String], in path: String, mode: mode_t) throws(SystemError) {
        let present = SmallFile.read(path)
        if present == nil, lines.isEmpty || SmallFile.exists(path) { return }
        let text = present ?? []
        // Told from bytes, as nearly every identity changes nothing: see ``AuthorizedKeys``.
        if lines.isEmpty, !text.split(separator: UInt8(ascii: "\n")).contains(where: { $0.elementsEqual(begin.utf8) }) {
            return
        }
        let replaced = replacing(String(decoding: text, as: UTF8.self), with: lines)
        try SmallFile.replace(path, with: replaced, mode: mode)
    }

    /// The text with our lines replaced, or without the block when there are none.
    static func replacing(_ text: String, with lines: [String]) -> String {
        var kept = text.split(separator: "\n", omittingEmptySubsequences: false)
        let hadBlock = removeBlocks(from: &kept)
        if lines.isEmpty, !hadBlock { return text }
        while kept.last == "" { kept.removeLast() }
        let all = kept.map(String.init) + (lines.isEmpty ? [] : [begin] + lines + [end])
        return all.isEmpty ? "" : all.joined(separator: "\n") + "\n"
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
}
