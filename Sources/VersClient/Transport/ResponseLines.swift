import AsyncHTTPClient
import NIOCore
import VersAPI

/// The lines of an answer, read from the connection as they are asked for. To be iterated once.
struct ResponseLines: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private let body: HTTPClientResponse.Body
    private let transport: Transport
    private let limit: Int

    /// - Parameter limit: of one line, in bytes.
    init(_ response: HTTPClientResponse, transport: Transport, limit: Int) {
        body = response.body
        self.transport = transport
        self.limit = limit
    }

    func makeAsyncIterator() -> Iterator {
        Iterator(parts: body.makeAsyncIterator(), transport: transport, splitter: LineSplitter(limit: limit))
    }

    struct Iterator: AsyncIteratorProtocol {
        private var parts: HTTPClientResponse.Body.AsyncIterator
        private let transport: Transport
        private var splitter: LineSplitter

        init(parts: HTTPClientResponse.Body.AsyncIterator, transport: Transport, splitter: LineSplitter) {
            self.parts = parts
            self.transport = transport
            self.splitter = splitter
        }

        /// - Throws: ``VersError``, also for a line that is too long.
        mutating func next() async throws -> ByteBuffer? {
            while true {
                if let line = try splitter.next() { return line }
                do {
                    guard let part = try await parts.next(isolation: #isolation) else { return nil }
                    splitter.append(part)
                } catch {
                    throw transport.translate(error)
                }
            }
        }
    }
}
