/// A forest drawn with lines: one node per line, children indented under their parent.
public struct TreeNode: Sendable {
    public var label: [StyledText]
    public var children: [TreeNode]

    public init(_ label: [StyledText], children: [TreeNode] = []) {
        self.label = label
        self.children = children
    }
}

/// Draws forests. Depth is limited by memory only: the walk keeps its own stack.
public struct TreeDrawing: Sendable {
    private struct Connectors {
        var branch: String
        var last: String
        var through: String
        var blank: String
        var ellipsis: String

        static let unicode = Self(
            branch: "\u{251C}\u{2500} ",
            last: "\u{2514}\u{2500} ",
            through: "\u{2502}  ",
            blank: "   ",
            ellipsis: "\u{2026}"
        )
        static let ascii = Self(branch: "|- ", last: "`- ", through: "|  ", blank: "   ", ellipsis: "...")
    }

    private struct Pending {
        var node: TreeNode
        var prefix: String
        var isRoot: Bool
        var isLast: Bool
    }

    /// Cells of a node's first piece that are shown however deep it stands.
    private static let leastFirstPiece = 8

    private let stream: TerminalStream
    private let connectors: Connectors

    public init(for stream: TerminalStream) {
        self.stream = stream
        connectors = stream.showsUnicode ? .unicode : .ascii
    }

    /// One line per node, joined by line feeds. Roots stand at column 0. On a terminal, lines are cut to its width.
    public func draw(_ roots: [TreeNode]) -> String {
        var lines: [String] = []
        var stack = roots.reversed().map { Pending(node: $0, prefix: "", isRoot: true, isLast: true) }
        while let next = stack.popLast() {
            let connector = next.isRoot ? "" : next.isLast ? connectors.last : connectors.branch
            lines.append(line(prefix: next.prefix + connector, label: next.node.label))
            let continuation = next.isRoot ? "" : next.isLast ? connectors.blank : connectors.through
            for (index, child) in next.node.children.enumerated().reversed() {
                stack.append(
                    Pending(
                        node: child,
                        prefix: next.prefix + continuation,
                        isRoot: false,
                        isLast: index == next.node.children.count - 1
                    )
                )
            }
        }
        return lines.joined(separator: "\n")
    }

    private func line(prefix: String, label: [StyledText]) -> String {
        var result = StyledText(prefix, .dim).rendered(colour: stream.showsColour)
        var room = stream.columns.map { $0 - prefix.displayWidth } ?? .max
        let pieces = label.filter { !$0.text.isEmpty }
        for (index, piece) in pieces.enumerated() {
            let gap = index == 0 ? "" : "  "
            let width = gap.count + piece.text.displayWidth
            if width <= room {
                result += gap + piece.rendered(colour: stream.showsColour)
                room -= width
                continue
            }
            // A cut line still shows its first piece, so that deep trees stay readable.
            let cut = index == 0 ? max(room, Self.leastFirstPiece) : room - gap.count
            let text = piece.text.truncated(toWidth: max(cut, 0), ellipsis: connectors.ellipsis)
            if index == 0 || room - gap.count >= 4 {
                result += gap + StyledText(text, piece.style).rendered(colour: stream.showsColour)
            }
            break
        }
        return result
    }
}
