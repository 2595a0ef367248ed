import VersAPI
import VersCore

/// How large a disk must be for a tree.
struct DiskPlan {
    /// For every inode that mke2fs makes itself.
    private static let reservedInodes = 11
    private static let inodeBytes = 256
    /// ext4's usual number: one for 16 KiB, so that the room beyond the content can hold files, too.
    private static let inodesPerMebibyte = 64
    private static let block = Int64(4096)
    /// Superblocks, group descriptors with room to grow to a TiB, bitmaps.
    private static let fixedBytes = Int64(4 << 20)

    private(set) var inodes = 0
    private(set) var contentBytes: Int64 = 0

    init(_ tree: FileTree) {
        var pending = [tree.root]
        var counted: Set<ObjectIdentifier> = []
        while let directory = pending.popLast() {
            let children = directory.children
            let listing = children.keys.reduce(24) { $0 + (8 + $1.count + 3) / 4 * 4 }
            // A block is filled to nine tenths at least: a name is at most 255 bytes.
            contentBytes += Self.blocks(Int64(listing) * 11 / 10) * Self.block
            for entry in children.values {
                if entry.node.isDirectory {
                    pending.append(entry.node)
                } else if !counted.insert(ObjectIdentifier(entry.node)).inserted {
                    continue
                }
                add(entry.node)
            }
        }
    }

    private mutating func add(_ node: FileTree.Node) {
        inodes += 1
        if !node.attributes.xattrs.isEmpty { contentBytes += Self.block }
        switch node.content {
        case .file(let extents, _):
            for extent in extents {
                let first = extent.offset / Self.block
                contentBytes += (Self.blocks(extent.offset + extent.content.length) - first) * Self.block
            }
            // Four extents fit the inode, 340 a block.
            if extents.count > 4 { contentBytes += (Int64(extents.count) / 300 + 1) * Self.block }
        case .symlink(let target): if target.count >= 60 { contentBytes += Self.block }
        case .directory, .device, .fifo: break
        }
    }

    func inodeCount(sizeMiB: Int) -> Int {
        max((inodes + Self.reservedInodes) * 11 / 10 + 256, sizeMiB * Self.inodesPerMebibyte)
    }

    /// Large enough that a small file system is not all journal.
    static func journalMiB(sizeMiB: Int) -> Int { sizeMiB < 512 ? 4 : sizeMiB < 8192 ? 16 : 64 }

    /// The size of a disk that holds the content and `extraMiB` more.
    func sizeMiB(extraMiB: Int) -> Int {
        let room = contentBytes + contentBytes / 64 + Int64(extraMiB) << 20
        var size = Int(room >> 20) + 1
        // The inode tables depend on the size; two rounds are enough, three to be sure.
        for _ in 0..<3 {
            let tables = Int64(inodeCount(sizeMiB: size) * Self.inodeBytes)
            let bytes = room + tables + Int64(Self.journalMiB(sizeMiB: size)) << 20 + Self.fixedBytes
            size = Int((bytes + (1 << 20) - 1) >> 20)
        }
        return size
    }

    func sizeMiB(_ size: ImageBuildRequest.Size) throws -> Int {
        switch size {
        case .extra(let extra): return sizeMiB(extraMiB: extra)
        case .atLeast(let least, let extra): return max(least, sizeMiB(extraMiB: extra))
        case .exactly(let size):
            guard size >= sizeMiB(extraMiB: 0) else { throw tooSmall(size) }
            return size
        }
    }

    func tooSmall(_ size: Int) -> VersError {
        VersError(
            .invalidArgument,
            "size_mib \(size) is too small for the image: expected at least \(sizeMiB(extraMiB: 0))"
        )
    }

    private static func blocks(_ bytes: Int64) -> Int64 { (bytes + block - 1) / block }
}
