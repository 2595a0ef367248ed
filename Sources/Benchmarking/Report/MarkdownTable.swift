/// A table whose columns also line up as plain text.
struct MarkdownTable {
    var head: [String]
    /// Columns of numbers.
    var rightAligned: Set<Int>
    var rows: [[String]]

    var text: String {
        let widths = head.indices.map { column in
            ([head] + rows).map { $0[column].count }.max() ?? 0
        }
        let rule = head.indices.map { column in
            let dashes = String(repeating: "-", count: max(widths[column], 3) - 1)
            return rightAligned.contains(column) ? dashes + ":" : "-" + dashes
        }
        let lines = [line(head, widths), "|" + rule.map { " \($0) |" }.joined()] + rows.map { line($0, widths) }
        return lines.joined(separator: "\n")
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        let padded = cells.indices.map { column in
            let padding = String(repeating: " ", count: max(widths[column], 3) - cells[column].count)
            return rightAligned.contains(column) ? padding + cells[column] : cells[column] + padding
        }
        return "|" + padded.map { " \($0) |" }.joined()
    }
}
