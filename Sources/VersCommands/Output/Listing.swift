import TerminalUI

/// How things of one kind are listed: in a table, a row each.
struct Listing<Item> {
    struct Column {
        fileprivate let column: Table.Column
        fileprivate let cell: (Item) -> StyledText

        /// - Parameter width: the least, in cells.
        init(_ title: String, width: Int = 0, style: Style = .plain, _ text: @escaping (Item) -> String) {
            self.init(title, width: width, style: { _ in style }, text)
        }

        /// - Parameter style: of each item's cell.
        init(
            _ title: String,
            width: Int = 0,
            style: @escaping (Item) -> Style,
            _ text: @escaping (Item) -> String
        ) {
            column = Table.Column(title, minimumWidth: width)
            cell = { StyledText(text($0), style($0)) }
        }
    }

    /// Said where there is nothing to list.
    private let none: String
    private let columns: [Column]

    init(none: String, _ columns: [Column]) {
        self.none = none
        self.columns = columns
    }

    func text(of items: [Item], for stream: TerminalStream) -> String {
        guard !items.isEmpty else { return none }
        var table = Table(columns.map(\.column))
        for item in items { table.append(columns.map { $0.cell(item) }) }
        return table.rendered(for: stream)
    }
}
