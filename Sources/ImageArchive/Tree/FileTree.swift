/// A root file system that exists in memory only: names and attributes are here, content stays where it was read from.
///
/// Nothing of an archive ever becomes a path of the host, so that no name in it can reach anything there.
final class FileTree {
    /// What all names of one file share.
    final class Node {
        enum Content {
            case directory([[UInt8]: Entry])
            case file([TarEntry.Extent], size: Int64)
            case symlink([UInt8])
            case device(isBlock: Bool, major: UInt32, minor: UInt32)
            case fifo
        }

        var content: Content
        var attributes: Attributes

        init(_ content: Content, _ attributes: Attributes) {
            self.content = content
            self.attributes = attributes
        }

        var isDirectory: Bool { if case .directory = content { true } else { false } }

        /// Of a directory; setting turns anything into one.
        var children: [[UInt8]: Entry] {
            get { if case .directory(let children) = content { children } else { [:] } }
            set { content = .directory(newValue) }
        }
    }

    struct Attributes {
        var mode: UInt32
        var uid: UInt32 = 0
        var gid: UInt32 = 0
        var modified: Timestamp
        var xattrs: [ExtendedAttribute] = []

        static let impliedDirectory = Attributes(mode: 0o755, modified: .epoch)
    }

    /// A name in a directory.
    struct Entry {
        var node: Node
        /// The layer that made it.
        var layer: Int
        /// The last layer that put something below it.
        var touched: Int
    }

    let root = Node(.directory([:]), .impliedDirectory)

    /// The node at an absolute path, without following a link at its end. Nil when there is none.
    func node(at path: String, followsLast: Bool = true) -> Node? {
        var node = root
        var rest = path.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)[...]
        var above: [Node] = []
        var links = 0
        while let name = rest.popFirst() {
            if name == Array(".".utf8) { continue }
            if name == Array("..".utf8) {
                node = above.popLast() ?? root
                continue
            }
            guard let next = node.children[name]?.node else { return nil }
            if case .symlink(let target) = next.content, followsLast || !rest.isEmpty {
                links += 1
                guard links <= 40 else { return nil }
                if target.first == UInt8(ascii: "/") { (node, above) = (root, []) }
                rest = target.split(separator: UInt8(ascii: "/")).map(Array.init)[...] + rest
                continue
            }
            above.append(node)
            node = next
        }
        return node
    }
}
