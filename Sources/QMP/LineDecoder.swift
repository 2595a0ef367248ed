package import NIOCore

/// Cuts a byte stream into lines and refuses long ones.
package struct LineDecoder: ByteToMessageDecoder {
    package typealias InboundOut = [UInt8]

    package let limitInBytes: Int
    /// How much of the buffer holds no newline; a long line that arrives in pieces is searched once.
    private var searched = 0

    package init(limitInBytes: Int) { self.limitInBytes = limitInBytes }

    package mutating func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        let view = buffer.readableBytesView.dropFirst(searched)
        guard let newline = view.firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.readableBytes
            guard searched <= limitInBytes else {
                throw QMPError.malformed("a line of more than \(limitInBytes) bytes")
            }
            return .needMoreData
        }
        let length = newline - buffer.readerIndex
        guard length <= limitInBytes else { throw QMPError.malformed("a line of more than \(limitInBytes) bytes") }
        searched = 0
        var line = buffer.readBytes(length: length) ?? []
        buffer.moveReaderIndex(forwardBy: 1)
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        if !line.isEmpty { context.fireChannelRead(wrapInboundOut(line)) }
        return .continue
    }

    package mutating func decodeLast(
        context: ChannelHandlerContext,
        buffer: inout ByteBuffer,
        seenEOF: Bool
    ) throws -> DecodingState {
        while try decode(context: context, buffer: &buffer) == .continue {}
        return .needMoreData
    }
}
