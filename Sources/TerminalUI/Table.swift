/// Columns of text under a header, aligned by display width.
public struct Table: Sendable {
    public struct Column: Sendable {
        public var title: String
        /// The least width in cells.
        public var minimumWidth: Int

        public init(_ title: String, minimumWidth: Int = 0) {
            self.title = title
            self.minimumWidth = minimumWidth
        }
    }

    public var columns: [Column]
    public private(set) var rows: [[StyledText]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// Missing cells are empty; cells beyond the last column are dropped.
    public mutating func append(_ cells: [StyledText]) {
        let missing = max(0, columns.count - cells.count)
        rows.append(Array(cells.prefix(columns.count)) + Array(repeating: StyledText(""), count: missing))
    }

    /// The header and the rows, each line without trailing space. On a terminal the last column is cut to fit.
    public func rendered(for stream: TerminalStream) -> String {
        let widths = columns.indices.map(width)
        var lines = [line(columns.map { StyledText($0.title, .bold) }, widths: widths, stream: stream)]
        for row in rows { lines.append(line(row, widths: widths, stream: stream)) }
        return lines.joined(separator: "\n")
    }

    private func width(of column: Int) -> Int {
        var width = max(columns[column].minimumWidth, columns[column].title.displayWidth)
        for row in rows { width = max(width, row[column].text.displayWidth) }
        return width
    }

    private func line(_ cells: [StyledText], widths: [Int], stream: TerminalStream) -> String {
        var result = ""
        var used = 0
        let last = cells.lastIndex { !$0.text.isEmpty } ?? 0
        for (index, cell) in cells.enumerated().prefix(last + 1) {
            guard index == last else {
                let padding = widths[index] - cell.text.displayWidth + Self.gap
                result += cell.rendered(colour: stream.showsColour) + String(repeating: " ", count: padding)
                used += widths[index] + Self.gap
                continue
            }
            var text = cell.text
            if let columns = stream.columns, columns > used {
                text = text.truncated(toWidth: columns - used, ellipsis: stream.showsUnicode ? "\u{2026}" : "...")
            }
            result += StyledText(text, cell.style).rendered(colour: stream.showsColour)
        }
        return result
    }

    /// Cells between two columns.
    private static let gap = 2
}
