import TerminalUI

/// Properties of one thing, a labelled line each, the values aligned.
enum LabelledLines {
    /// Lines without a value are left out.
    static func text(_ lines: [(label: String, value: String?)]) -> String {
        let shown = lines.compactMap { line in line.value.map { (label: line.label, value: $0) } }
        let width = shown.map(\.label.count).max() ?? 0
        return shown.map { line in
            let padding = String(repeating: " ", count: width - line.label.count + 1)
            return "\(line.label):\(padding)\(line.value.withoutControlCharacters)"
        }.joined(separator: "\n")
    }
}
