import CZlib
import VersAPI

/// Decompresses gzip, members one behind the other included.
enum Gzip {
    private static let pieceBytes = 1 << 20

    static func decompress(_ content: FileRange, into output: (UnsafeRawBufferPointer) throws -> Void) throws {
        var stream = z_stream()
        guard czlib_begin_gzip(&stream) == Z_OK else { throw VersError(.internal, "zlib cannot be started") }
        defer { inflateEnd(&stream) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceBytes, alignment: 4096)
        defer { buffer.deallocate() }
        var isAtEnd = false
        try content.forEachPiece { piece in
            guard let start = piece.baseAddress else { return }
            stream.next_in = UnsafeMutablePointer(mutating: start.assumingMemoryBound(to: UInt8.self))
            stream.avail_in = UInt32(piece.count)
            repeat {
                if isAtEnd {
                    // Some archivers fill up with zeros; anything else must be another member.
                    if stream.next_in.pointee == 0 { return }
                    guard inflateReset(&stream) == Z_OK else { throw damaged }
                    isAtEnd = false
                }
                stream.next_out = buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                stream.avail_out = UInt32(buffer.count)
                let status = inflate(&stream, Z_NO_FLUSH)
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { throw damaged }
                isAtEnd = status == Z_STREAM_END
                try output(UnsafeRawBufferPointer(rebasing: buffer[..<(buffer.count - Int(stream.avail_out))]))
            } while stream.avail_in > 0 || (stream.avail_out == 0 && !isAtEnd)
        }
        guard isAtEnd else { throw VersError.badArchive("the archive ends early: its compressed data is cut off") }
    }

    private static let damaged = VersError.badArchive("the archive is damaged: its compressed data cannot be read")
}
