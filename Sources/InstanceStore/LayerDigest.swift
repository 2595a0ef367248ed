import Glibc
import HostSystem
import KeyMaterial
import SystemPackage

/// SHA-256 over a sparse file, without reading its holes.
///
/// Hashed are, in order, 4 KiB blocks: the index of each as 8 little-endian bytes, then its bytes (the last block as
/// long as it is); at the end the file's size as 8 little-endian bytes.
enum LayerDigest {
    /// Which blocks are hashed.
    enum Blocks {
        /// All that hold data. For memory layers: a hole lets the layer underneath through and a page of zeros does
        /// not, so a copy that filled or punched holes is another layer.
        case data
        /// All that are not zero. For every other file, where holes are zeros.
        case content
    }

    private static let blockLength = 4096
    private static let chunkLength = 1 << 20

    /// Blocks the calling thread.
    static func compute(_ blocks: Blocks, of path: FilePath) throws -> (digest: [UInt8], size: UInt64) {
        let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
        defer { try? file.close() }
        let size = try file.seek(offset: 0, from: .end)
        let hash = SHA256()
        var offset: Int64 = 0
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkLength, alignment: blockLength)
        defer { chunk.deallocate() }
        while let extent = try nextExtent(file, from: offset, size: size) {
            try hashExtent(file, extent, blocks, into: hash, using: chunk)
            offset = extent.upperBound
        }
        withUnsafeBytes(of: UInt64(size).littleEndian) { hash.update($0) }
        return (hash.finish(), UInt64(size))
    }

    /// The next run of data, widened to whole blocks.
    private static func nextExtent(_ file: FileDescriptor, from offset: Int64, size: Int64) throws -> Range<Int64>? {
        guard offset < size, let extent = try SparseFile.nextExtent(file, from: offset) else { return nil }
        let block = Int64(blockLength)
        let lower = max(offset, extent.lowerBound / block * block)
        return lower..<min(size, (extent.upperBound + block - 1) / block * block)
    }

    private static func hashExtent(
        _ file: FileDescriptor,
        _ extent: Range<Int64>,
        _ blocks: Blocks,
        into hash: borrowing SHA256,
        using chunk: UnsafeMutableRawBufferPointer
    ) throws {
        var offset = extent.lowerBound
        while offset < extent.upperBound {
            let wanted = Int(min(Int64(chunk.count), extent.upperBound - offset))
            let count = try file.read(
                fromAbsoluteOffset: offset,
                into: UnsafeMutableRawBufferPointer(rebasing: chunk[..<wanted])
            )
            guard count > 0 else { throw HostError("read", errno: .ioError) }
            for start in stride(from: 0, to: count, by: blockLength) {
                let block = UnsafeRawBufferPointer(rebasing: chunk[start..<min(start + blockLength, count)])
                if blocks == .content, isZero(block) { continue }
                withUnsafeBytes(of: UInt64(offset + Int64(start)).littleEndian / UInt64(blockLength)) {
                    hash.update($0)
                }
                hash.update(block)
            }
            offset += Int64(count)
        }
    }

    private static func isZero(_ block: UnsafeRawBufferPointer) -> Bool {
        guard let start = block.baseAddress, block.count > 1 else { return block.first == 0 }
        return block[0] == 0 && memcmp(start, start + 1, block.count - 1) == 0
    }
}
