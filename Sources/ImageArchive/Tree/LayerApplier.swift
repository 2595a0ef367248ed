import VersAPI

/// Puts the members of one layer over a tree, as a container runtime's root file system would show them.
///
/// What no archiver writes is refused: names that are absolute or climb with `..`, and names that lead through a
/// symbolic link of the same layer. A link of a layer below is followed, as runtimes do (a layer may say `lib/x` where
/// its base has `lib -> usr/lib`), but never above the root.
struct LayerApplier {
    private static let whiteoutPrefix = Array(".wh.".utf8)
    private static let opaqueMark = Array(".wh..wh..opq".utf8)
    private static let reservedPrefix = Array(".wh..wh.".utf8)
    private static let slash = UInt8(ascii: "/")
    private static let dot = Array(".".utf8)
    private static let parent = Array("..".utf8)
    private static let maximumLinks = 40

    private let tree: FileTree
    private let layer: Int
    private let budget: ArchiveBudget

    /// - Parameter layer: its number, counted from the lowest.
    init(_ tree: FileTree, layer: Int, budget: ArchiveBudget) {
        self.tree = tree
        self.layer = layer
        self.budget = budget
    }

    func apply(_ archive: FileRange, needsEndMark: Bool) throws {
        var reader = TarReader(archive, budget: budget, needsEndMark: needsEndMark)
        while let entry = try reader.next() { try apply(entry) }
    }

    private func apply(_ entry: TarEntry) throws {
        let components = try Self.components(of: entry.path, "name")
        guard let name = components.last else {
            guard entry.kind == .directory else {
                throw VersError.badArchive("the archive's root is no directory")
            }
            tree.root.attributes = attributes(of: entry)
            return
        }
        if name.starts(with: Self.whiteoutPrefix) { return try applyWhiteout(name, in: components.dropLast()) }
        if entry.kind == .hardLink { return try applyHardLink(entry, name, in: components.dropLast()) }
        let content = try content(of: entry)
        guard let directory = try directory(components.dropLast(), for: entry.path, creates: true) else { return }
        if entry.kind == .directory, let present = directory.children[name]?.node, present.isDirectory {
            present.attributes = attributes(of: entry)
            directory.children[name]?.layer = layer
        } else {
            let node = FileTree.Node(content, attributes(of: entry))
            directory.children[name] = FileTree.Entry(node: node, layer: layer, touched: layer)
        }
    }

    private func content(of entry: TarEntry) throws -> FileTree.Node.Content {
        switch entry.kind {
        case .directory: return .directory([:])
        case .file:
            try budget.spend(contentBytes: entry.storedBytes)
            return .file(entry.extents, size: entry.size)
        case .symlink:
            guard !entry.target.isEmpty, entry.target.count < ArchiveLimits.pathBytes, !entry.target.contains(0) else {
                throw VersError.badArchive("link \(shown(entry.path)) in the archive has no usable target")
            }
            return .symlink(entry.target)
        case .characterDevice, .blockDevice:
            // What fits the kernel's 32 bits of a device number.
            guard entry.major < 1 << 12, entry.minor < 1 << 20 else {
                throw VersError.badArchive(
                    "device \(shown(entry.path)) in the archive has the numbers \(entry.major):\(entry.minor): "
                        + "expected at most 4095:1048575"
                )
            }
            return .device(isBlock: entry.kind == .blockDevice, major: entry.major, minor: entry.minor)
        case .fifo: return .fifo
        case .hardLink: throw VersError(.internal, "a hard link has no content of its own")
        }
    }

    private func attributes(of entry: TarEntry) -> FileTree.Attributes {
        FileTree.Attributes(
            mode: entry.mode,
            uid: entry.uid,
            gid: entry.gid,
            modified: entry.modified,
            xattrs: entry.xattrs
        )
    }

    private func applyHardLink(_ entry: TarEntry, _ name: [UInt8], in parents: ArraySlice<[UInt8]>) throws {
        let target = try Self.components(of: entry.target, "link target")
        guard let last = target.last,
            let node = try directory(target.dropLast(), for: entry.target, creates: false)?.children[last]?.node
        else {
            throw VersError.badArchive(
                "hard link \(shown(entry.path)) in the archive leads to \(shown(entry.target)), which is not there"
            )
        }
        guard !node.isDirectory else {
            throw VersError.badArchive("hard link \(shown(entry.path)) in the archive leads to a directory")
        }
        guard let directory = try directory(parents, for: entry.path, creates: true) else { return }
        directory.children[name] = FileTree.Entry(node: node, layer: layer, touched: layer)
    }

    /// Hides what layers below have: one name, or everything in a directory.
    private func applyWhiteout(_ mark: [UInt8], in parents: ArraySlice<[UInt8]>) throws {
        let name = Array(mark.dropFirst(Self.whiteoutPrefix.count))
        guard !name.isEmpty, name != Self.dot, name != Self.parent else {
            throw VersError.badArchive("whiteout \(shown(mark)) in the archive hides nothing that has a name")
        }
        guard let directory = try directory(parents, for: mark, creates: false) else { return }
        if mark == Self.opaqueMark {
            directory.children = kept(directory.children)
            return
        }
        // aufs keeps things of its own under such names.
        if mark.starts(with: Self.reservedPrefix) { return }
        guard let entry = directory.children[name] else { return }
        directory.children[name] = kept([name: entry])[name]
    }

    /// Of some children, those that this layer made, and directories that it put something into.
    private func kept(_ children: [[UInt8]: FileTree.Entry]) -> [[UInt8]: FileTree.Entry] {
        var result: [[UInt8]: FileTree.Entry] = [:]
        for (name, entry) in children where entry.layer == layer || entry.touched == layer {
            // Directories are at most `depth` deep, and so is this.
            if entry.node.isDirectory { entry.node.children = kept(entry.node.children) }
            result[name] = entry
        }
        return result
    }

    /// Walks down from the root.
    /// - Returns: nil when something is missing and is not to be created.
    private func directory(
        _ path: ArraySlice<[UInt8]>,
        for name: [UInt8],
        creates: Bool
    ) throws -> FileTree.Node? {
        var above: [FileTree.Node] = []
        var node = tree.root
        var rest = path
        var links = 0
        while let component = rest.popFirst() {
            if component == Self.dot { continue }
            if component == Self.parent {
                guard let up = above.popLast() else {
                    throw VersError.badArchive("\(shown(name)) in the archive leads above the root through a link")
                }
                node = up
                continue
            }
            guard let entry = node.children[component] else {
                guard creates else { return nil }
                guard above.count < ArchiveLimits.depth else { throw Self.tooDeep(name) }
                let made = FileTree.Node(.directory([:]), .impliedDirectory)
                node.children[component] = FileTree.Entry(node: made, layer: layer, touched: layer)
                above.append(node)
                node = made
                continue
            }
            if case .symlink(let target) = entry.node.content {
                links += 1
                guard entry.layer != layer, links <= Self.maximumLinks else {
                    throw VersError.badArchive("\(shown(name)) in the archive leads through a symbolic link")
                }
                if target.first == Self.slash { (node, above) = (tree.root, []) }
                rest = target.split(separator: Self.slash).map(Array.init)[...] + rest
                continue
            }
            guard entry.node.isDirectory else {
                guard creates else { return nil }
                throw VersError.badArchive(
                    "\(shown(name)) in the archive lies below \(shown(component)), which is no directory"
                )
            }
            if creates { node.children[component]?.touched = layer }
            guard above.count < ArchiveLimits.depth else { throw Self.tooDeep(name) }
            above.append(node)
            node = entry.node
        }
        return node
    }

    /// The parts of a member's name or of a hard link's target.
    private static func components(of path: [UInt8], _ what: String) throws -> [[UInt8]] {
        guard path.first != slash else {
            throw VersError.badArchive("\(what) \(shown(path)) in the archive is absolute: expected a relative one")
        }
        guard !path.isEmpty, path.count < ArchiveLimits.pathBytes, !path.contains(0) else {
            throw VersError.badArchive(
                "\(what) \(shown(path)) in the archive has \(path.count) bytes: expected 1 to 4095"
            )
        }
        let components = path.split(separator: slash).map(Array.init).filter { $0 != dot }
        for component in components {
            guard component != parent else {
                throw VersError.badArchive("\(what) \(shown(path)) in the archive climbs with '..'")
            }
            guard component.count <= ArchiveLimits.nameBytes else {
                throw VersError.badArchive("\(what) \(shown(path)) in the archive has a part longer than 255 bytes")
            }
        }
        guard components.count <= ArchiveLimits.depth else { throw tooDeep(path) }
        return components
    }

    private static func tooDeep(_ path: [UInt8]) -> VersError {
        .badArchive("\(shown(path)) in the archive is nested deeper than \(ArchiveLimits.depth) directories")
    }
}
