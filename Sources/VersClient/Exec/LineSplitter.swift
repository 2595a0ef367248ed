import NIOCore
import VersAPI

/// Cuts a byte stream into lines. Every byte is looked at once, however the stream is cut into pieces.
struct LineSplitter {
    private let limit: Int
    private var buffer = ByteBuffer()
    /// How much of `buffer` holds no line feed, for sure.
    private var scanned = 0

    init(limit: Int) { self.limit = limit }

    mutating func append(_ piece: ByteBuffer) {
        buffer.discardReadBytes()
        buffer.writeImmutableBuffer(piece)
    }

    /// The next complete line, without its line feed.
    /// - Throws: ``VersError`` `.payloadTooLarge` when a line is longer than the limit, complete or not.
    mutating func next() throws -> ByteBuffer? {
        let view = buffer.readableBytesView.dropFirst(scanned)
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            scanned = buffer.readableBytes
            if scanned > limit { throw tooLong }
            return nil
        }
        let length = end - buffer.readerIndex
        guard length <= limit else { throw tooLong }
        scanned = 0
        let line = buffer.readSlice(length: length)
        buffer.moveReaderIndex(forwardBy: 1)
        return line
    }

    private var tooLong: VersError {
        VersError(.payloadTooLarge, "a line of the stream is longer than \(limit) bytes")
    }
}
