import Glibc
import HostSystem
import SystemPackage
import VersAPI

/// A file that is read at offsets: an archive, or a layer that was decompressed out of one.
final class SourceFile {
    let path: FilePath
    let length: Int64
    private let descriptor: FileDescriptor

    init(_ path: FilePath) throws {
        self.path = path
        do {
            descriptor = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            length = try descriptor.seek(offset: 0, from: .end)
        } catch let error as Errno {
            throw HostError("open", path, errno: error)
        }
    }

    deinit { try? descriptor.close() }

    var whole: FileRange { FileRange(file: self, offset: 0, length: length) }

    /// Fills `buffer`, or less at the end of the file.
    func read(at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count: Int
            do {
                count = try descriptor.read(fromAbsoluteOffset: offset + Int64(done), into: rest)
            } catch let error as Errno {
                throw HostError("read", path, errno: error)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }
}

/// Part of a file.
struct FileRange {
    let file: SourceFile
    let offset: Int64
    let length: Int64

    /// The part from `start` on, `count` bytes long.
    /// - Throws: ``VersError`` when it reaches beyond the end.
    func part(from start: Int64, count: Int64) throws -> FileRange {
        guard start >= 0, count >= 0, start <= length, count <= length - start else {
            throw VersError.badArchive("the archive ends early: \(file.path.lastComponent?.string ?? "") is truncated")
        }
        return FileRange(file: file, offset: offset + start, length: count)
    }

    /// Exactly `count` bytes.
    func bytes(from start: Int64, count: Int) throws -> [UInt8] {
        let part = try part(from: start, count: Int64(count))
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try bytes.withUnsafeMutableBytes { try file.read(at: part.offset, into: $0) }
        guard read == count else { throw VersError.badArchive("the archive ends early") }
        return bytes
    }

    /// Everything, in pieces.
    func forEachPiece(of size: Int = 1 << 20, _ body: (UnsafeRawBufferPointer) throws -> Void) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Int(min(Int64(size), max(1, length))),
            alignment: 4096
        )
        defer { buffer.deallocate() }
        var done: Int64 = 0
        while done < length {
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), length - done))])
            guard try file.read(at: offset + done, into: piece) == piece.count else {
                throw VersError.badArchive("the archive ends early")
            }
            try body(UnsafeRawBufferPointer(piece))
            done += Int64(piece.count)
        }
    }
}
