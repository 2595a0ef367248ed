internal import Glibc
internal import HostSystem
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// The file that holds a guest's memory, and copies between it and layers. Everything blocks.
final class MemoryFile: Sendable {
    private static let pageBytes = 4096
    private static let pieceBytes = 1 << 20

    private let file: FileDescriptor

    init(opening path: FilePath) throws {
        file = try Self.open(path, .readWrite)
    }

    deinit { try? file.close() }

    func sizeInBytes() throws -> Int64 { try file.seek(offset: 0, from: .end) }

    /// Copies what a layer holds over what is there, zeros too.
    func write(layer path: FilePath) throws {
        let layer = try Self.open(path, .readOnly)
        defer { try? layer.close() }
        guard try layer.seek(offset: 0, from: .end) == sizeInBytes() else { throw VersError.unfitLayer(path) }
        try Self.forEachPiece(of: layer) { bytes, offset in
            _ = try file.writeAll(toAbsoluteOffset: offset, bytes)
        }
    }

    /// Writes a new layer that holds every page which is not zero.
    func copy(to path: FilePath) throws -> MemoryLayerReport {
        let start = ContinuousClock.now
        let layer = try Self.open(path, .readWrite, options: [.create, .truncate])
        defer { try? layer.close() }
        var (bytes, extents) = (0, 0)
        var end: Int64 = -1
        try Self.forEachPiece(of: file) { piece, offset in
            for run in Self.runs(of: piece) {
                _ = try layer.writeAll(
                    toAbsoluteOffset: offset + Int64(run.lowerBound),
                    UnsafeRawBufferPointer(rebasing: piece[run])
                )
                if end != offset + Int64(run.lowerBound) { extents += 1 }
                end = offset + Int64(run.upperBound)
                bytes += run.count
            }
        }
        guard ftruncate(layer.rawValue, off_t(try sizeInBytes())) == 0 else {
            throw HostError("size", path, errno: Errno(rawValue: errno))
        }
        return MemoryLayerReport(bytes: UInt64(bytes), extents: extents, duration: .now - start)
    }

    /// The runs of pages in `piece` that are not zero.
    static func runs(of piece: UnsafeRawBufferPointer) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for page in stride(from: 0, to: piece.count, by: pageBytes) {
            let range = page..<min(page + pageBytes, piece.count)
            guard !isZero(UnsafeRawBufferPointer(rebasing: piece[range])) else { continue }
            if let last = runs.last, last.upperBound == range.lowerBound {
                runs[runs.count - 1] = last.lowerBound..<range.upperBound
            } else {
                runs.append(range)
            }
        }
        return runs
    }

    /// Compares the page with itself, moved by eight bytes.
    private static func isZero(_ page: UnsafeRawBufferPointer) -> Bool {
        guard let base = page.baseAddress, page.count >= 8 else { return page.allSatisfy { $0 == 0 } }
        return base.loadUnaligned(as: UInt64.self) == 0 && memcmp(base, base + 8, page.count - 8) == 0
    }

    private static func forEachPiece(
        of file: FileDescriptor,
        _ body: (UnsafeRawBufferPointer, Int64) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: pageBytes)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while let extent = try SparseFile.nextExtent(file, from: offset) {
            offset = extent.lowerBound
            while offset < extent.upperBound {
                let wanted = Int(min(Int64(pieceBytes), extent.upperBound - offset))
                let count = try file.read(
                    fromAbsoluteOffset: offset,
                    into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted])
                )
                guard count > 0 else { return }
                try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]), offset)
                offset += Int64(count)
            }
        }
    }

    private static func open(
        _ path: FilePath,
        _ mode: FileDescriptor.AccessMode,
        options: FileDescriptor.OpenOptions = []
    ) throws -> FileDescriptor {
        do {
            return try FileDescriptor.open(
                path,
                mode,
                options: options.union(.closeOnExec),
                permissions: [.ownerReadWrite]
            )
        } catch let error as Errno {
            throw HostError("open", path, errno: error)
        }
    }
}
