import Hummingbird
import NIOCore
import VersAPI

/// The body of an upload, which goes on as fast as it is stored. There is no deadline for the whole: the server closes a
/// connection that makes no progress.
struct StreamedArchive: ImageArchiveBody {
    /// Gathered before they are handed on: each piece is a call to the disk.
    private static let pieceBytes = 1 << 20

    private let request: Request
    private let limit: Int64
    private let channel: any Channel
    let length: Int64?

    /// - Throws: ``RequestFailure`` when the declared length is over the limit, before a byte is read.
    init(_ request: Request, over channel: any Channel, limit: Int64) throws {
        self.request = request
        self.limit = limit
        self.channel = channel
        length = request.headers[.contentLength].flatMap { Int64($0) }
        if let length, length > limit { throw RequestFailure.bodyTooLarge(limit: Int(limit)) }
    }

    func forEachPiece(_ body: ([UInt8]) async throws -> Void) async throws {
        var received: Int64 = 0
        var piece: [UInt8] = []
        for try await buffer in request.body {
            received += Int64(buffer.readableBytes)
            guard received <= limit else { throw RequestFailure.bodyTooLarge(limit: Int(limit)) }
            piece += buffer.readableBytesView
            if piece.count >= Self.pieceBytes {
                try await body(piece)
                piece.removeAll(keepingCapacity: true)
            }
        }
        if !piece.isEmpty { try await body(piece) }
        // The stream of parts simply ends when the client goes away. Without a length, only its connection tells.
        guard received >= length ?? 0, length != nil || channel.isActive else {
            let stated = length.map { " of \($0)" } ?? ""
            throw VersError(.cancelled, "the body ended after \(received)\(stated) bytes")
        }
        guard received > 0 else {
            throw VersError(.invalidBody, "the request has no body: expected an archive")
        }
    }
}
