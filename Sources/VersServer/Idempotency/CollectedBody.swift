import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Takes an answer's body instead of the connection.
final class CollectedBody: ResponseBodyWriter {
    private let buffer = Mutex(ByteBuffer())

    var bytes: ByteBuffer { buffer.withLock { $0 } }

    func write(_ piece: ByteBuffer) async throws {
        buffer.withLock { _ = $0.writeImmutableBuffer(piece) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
