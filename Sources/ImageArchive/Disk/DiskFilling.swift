import CExt4
import Glibc
import SystemPackage
import VersAPI

/// Writes a tree into an empty ext4 file system.
struct DiskFilling {
    /// mke2fs makes `lost+found` first, as the first inode that is not reserved.
    private static let lostAndFound: UInt32 = 11
    private static let pieceBytes = 1 << 20
    /// The seconds that ext4 can say.
    private static let times = Int64(Int32.min)...(Int64(Int32.max) + 3 << 32)
    /// Namespaces that Linux knows; a name in another could never be read.
    private static let namespaces = ["user.", "trusted.", "security.", "system."]

    private let fileSystem: OpaquePointer
    /// Inodes of files that have several names.
    private var inodes: [ObjectIdentifier: UInt32] = [:]
    private var links: [ObjectIdentifier: UInt32] = [:]

    private struct Directory {
        var node: FileTree.Node
        var inode: UInt32
        var parent: UInt32
    }

    private struct Name {
        var bytes: [UInt8]
        var inode: UInt32
        var mode: UInt32
    }

    init(_ file: FilePath) throws {
        var opened: OpaquePointer?
        try Self.check("open the disk", cext4_open(file.string, &opened))
        guard let opened else { throw VersError(.internal, "the disk could not be opened") }
        fileSystem = opened
    }

    func close() throws { try Self.check("close the disk", cext4_close(fileSystem)) }

    /// Lets go of it after a failure, when its content does not matter.
    func abandon() { _ = cext4_close(fileSystem) }

    mutating func fill(from tree: FileTree) throws {
        try countLinks(in: tree)
        let root = UInt32(CEXT4_ROOT)
        var attributes = Self.attributes(of: tree.root, links: Self.links(ofDirectory: tree.root) + 1)
        try Self.check("write the root", cext4_set_attributes(fileSystem, root, &attributes))
        var pending = [Directory(node: tree.root, inode: root, parent: root)]
        while let directory = pending.popLast() {
            var names: [Name] = []
            if directory.inode == root {
                names.append(Name(bytes: Array("lost+found".utf8), inode: Self.lostAndFound, mode: S_IFDIR))
            }
            for (name, entry) in directory.node.children.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                let inode = try inode(of: entry.node, in: directory.inode, name: name)
                names.append(Name(bytes: name, inode: inode, mode: Self.type(of: entry.node)))
                if entry.node.isDirectory {
                    pending.append(Directory(node: entry.node, inode: inode, parent: directory.inode))
                }
            }
            try write(names, of: directory)
            try writeAttributes(of: directory.node, inode: directory.inode)
        }
    }

    private mutating func countLinks(in tree: FileTree) throws {
        var pending = [tree.root]
        while let directory = pending.popLast() {
            for (name, entry) in directory.children {
                if entry.node.isDirectory {
                    pending.append(entry.node)
                    continue
                }
                let count = links[ObjectIdentifier(entry.node), default: 0] + 1
                guard count <= ArchiveLimits.links else {
                    throw VersError.badArchive("\(shown(name)) in the image has more than \(ArchiveLimits.links) names")
                }
                links[ObjectIdentifier(entry.node)] = count
            }
        }
    }

    private mutating func inode(of node: FileTree.Node, in directory: UInt32, name: [UInt8]) throws -> UInt32 {
        let id = ObjectIdentifier(node)
        if let present = inodes[id] { return present }
        let count = node.isDirectory ? Self.links(ofDirectory: node) : links[id] ?? 1
        var attributes = Self.attributes(of: node, links: count)
        var inode: UInt32 = 0
        try Self.check("create \(shown(name))", cext4_create(fileSystem, directory, &attributes, &inode))
        if !node.isDirectory, count > 1 { inodes[id] = inode }
        switch node.content {
        case .file(let extents, let size): try write(extents, size: size, to: inode, name: name)
        case .symlink(let target):
            try Self.check("write link \(shown(name))", cext4_write_symlink(fileSystem, inode, target, target.count))
        case .directory, .device, .fifo: break
        }
        if !node.isDirectory { try writeAttributes(of: node, inode: inode) }
        return inode
    }

    private func write(_ extents: [TarEntry.Extent], size: Int64, to inode: UInt32, name: [UInt8]) throws {
        guard size > 0 else { return }
        var opened: OpaquePointer?
        try Self.check("open \(shown(name))", cext4_file_open(fileSystem, inode, &opened))
        guard let file = opened else { return }
        do {
            for extent in extents {
                var offset = UInt64(extent.offset)
                try extent.content.forEachPiece(of: Self.pieceBytes) { piece in
                    let status = cext4_file_write(file, offset, piece.baseAddress, piece.count)
                    try Self.check("write \(shown(name))", status)
                    offset += UInt64(piece.count)
                }
            }
        } catch {
            _ = cext4_file_close(file, 0)
            throw error
        }
        try Self.check("close \(shown(name))", cext4_file_close(file, UInt64(size)))
    }

    private func write(_ names: [Name], of directory: Directory) throws {
        let bytes = names.flatMap(\.bytes)
        try bytes.withUnsafeBufferPointer { buffer in
            var start = 0
            var entries: [cext4_entry] = []
            for name in names {
                entries.append(
                    cext4_entry(
                        name: buffer.baseAddress.map { $0 + start },
                        length: name.bytes.count,
                        inode: name.inode,
                        mode: name.mode
                    )
                )
                start += name.bytes.count
            }
            let status = cext4_write_directory(fileSystem, directory.inode, directory.parent, entries, entries.count)
            try Self.check("write a directory", status)
        }
    }

    private func writeAttributes(of node: FileTree.Node, inode: UInt32) throws {
        let xattrs = node.attributes.xattrs.filter { xattr in Self.namespaces.contains { xattr.name.hasPrefix($0) } }
        guard !xattrs.isEmpty else { return }
        var pointers: [UnsafeMutablePointer<CChar>?] = []
        defer { for pointer in pointers { free(pointer) } }
        let values = xattrs.flatMap(\.value)
        let status = values.withUnsafeBufferPointer { buffer in
            var start = 0
            var records: [cext4_xattr] = []
            for xattr in xattrs {
                let name = strdup(xattr.name)
                pointers.append(name)
                records.append(
                    cext4_xattr(
                        name: name,
                        value: buffer.baseAddress.map { $0 + start },
                        length: xattr.value.count
                    )
                )
                start += xattr.value.count
            }
            return cext4_write_xattrs(fileSystem, inode, records, records.count)
        }
        try Self.check("write the attributes \(xattrs.map(\.name).joined(separator: ", ").prefix(200))", status)
    }

    private static func links(ofDirectory node: FileTree.Node) -> UInt32 {
        2 + UInt32(node.children.values.count { $0.node.isDirectory })
    }

    private static func type(of node: FileTree.Node) -> UInt32 {
        switch node.content {
        case .directory: S_IFDIR
        case .file: S_IFREG
        case .symlink: S_IFLNK
        case .device(let isBlock, _, _): isBlock ? S_IFBLK : S_IFCHR
        case .fifo: S_IFIFO
        }
    }

    private static func attributes(of node: FileTree.Node, links: UInt32) -> cext4_attributes {
        let attributes = node.attributes
        var result = cext4_attributes()
        result.mode = type(of: node) | attributes.mode
        // Linux gives links no permissions of their own.
        if case .symlink = node.content { result.mode = S_IFLNK | 0o777 }
        result.uid = attributes.uid
        result.gid = attributes.gid
        result.seconds = min(max(attributes.modified.seconds, times.lowerBound), times.upperBound)
        result.nanoseconds = attributes.modified.nanoseconds
        result.links = links
        if case .device(_, let major, let minor) = node.content { (result.major, result.minor) = (major, minor) }
        return result
    }

    private static func check(_ operation: String, _ status: Int) throws {
        guard status != 0 else { return }
        if cext4_is_full(status) != 0 { throw DiskFull() }
        throw VersError(
            .invalidArgument,
            "cannot \(operation) in the image's disk: \(String(cString: cext4_message(status)))"
        )
    }
}
