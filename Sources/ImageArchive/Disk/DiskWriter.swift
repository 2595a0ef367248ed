import CExt4
import Foundation
import Glibc
import HostSystem
import SystemPackage
import VersAPI
import VersCore

/// Makes the root disk: an ext4 file system, empty from `mke2fs`, filled through libext2fs.
///
/// That library writes owners, device numbers, hard links, holes, any attribute and any name as they are, without a
/// privilege, without a mount, and without unpacking anything into the host's file system. The alternatives do not:
/// `mke2fs -d` of Debian 12 takes a directory, which only root or fakeroot can fill rightly, and `debugfs` scripts
/// cannot say every name. It is also the fastest: a file is copied once, from its layer into the disk.
struct DiskWriter {
    /// To which the file system can grow while it is mounted.
    private static let maximumBlocks = 1 << 28

    private let tree: FileTree
    private let plan: DiskPlan

    init(_ tree: FileTree) {
        self.tree = tree
        // The file system brings its own, which has a purpose of its own there.
        tree.root.children[Array("lost+found".utf8)] = nil
        plan = DiskPlan(tree)
    }

    /// Makes the disk in a new file.
    /// - Returns: its size in MiB.
    func write(_ file: FilePath, size: ImageBuildRequest.Size, maximumMiB: Int) throws -> Int {
        var sizeMiB = try plan.sizeMiB(size)
        while true {
            guard sizeMiB <= maximumMiB else {
                throw VersError(
                    .payloadTooLarge,
                    "the image needs a disk of \(sizeMiB) MiB: expected at most \(maximumMiB)"
                )
            }
            do {
                try write(file, sizeMiB: sizeMiB)
                return sizeMiB
            } catch is DiskFull {
                // The plan is an estimate: ext4 rounds where it likes.
                if case .exactly(let size) = size { throw plan.tooSmall(size) }
                try HostFile.remove(file)
                sizeMiB += max(4, sizeMiB / 20)
            }
        }
    }

    private func write(_ file: FilePath, sizeMiB: Int) throws {
        try HostFile.createSparse(file, sizeInBytes: UInt64(sizeMiB) << 20)
        try makeEmpty(file, sizeMiB: sizeMiB)
        var filling = try DiskFilling(file)
        do {
            try filling.fill(from: tree)
        } catch {
            filling.abandon()
            throw error
        }
        try filling.close()
        guard let check = HostTool("e2fsck") else { throw Self.missing("e2fsck") }
        try check.run(["-f", "-n", file.string])
    }

    private func makeEmpty(_ file: FilePath, sizeMiB: Int) throws {
        guard let tool = HostTool("mke2fs") else { throw Self.missing("mke2fs") }
        let uuid = UUID().uuidString.lowercased()
        // Nothing is left for the guest's kernel to initialise.
        let extended = [
            "hash_seed=\(uuid)", "root_owner=0:0", "resize=\(Self.maximumBlocks)", "lazy_itable_init=0",
            "lazy_journal_init=0", "assume_storage_prezeroed=1", "nodiscard",
        ]
        try tool.run([
            "-q", "-F", "-t", "ext4", "-b", "\(CEXT4_BLOCK)", "-I", "256", "-m", "0", "-L", "vers", "-U", uuid,
            "-N", "\(plan.inodeCount(sizeMiB: sizeMiB))", "-J", "size=\(DiskPlan.journalMiB(sizeMiB: sizeMiB))",
            "-E", extended.joined(separator: ","), file.string, "\(sizeMiB)M",
        ])
    }

    private static func missing(_ tool: String) -> VersError {
        VersError(.unsupported, "this host has no \(tool)", hint: "apt-get install e2fsprogs")
    }
}

/// The file system has too few blocks or inodes.
struct DiskFull: Error {}
