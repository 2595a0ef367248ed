import AsyncHTTPClient
import Foundation
import NIOFoundationCompat
public import VersAPI

extension VersClient {
    /// A piece of the serial console's output.
    /// - Parameter limit: 1 to ``TransferLimit/consoleBytes``.
    /// - Returns: the bytes from `offset` on, and where the next piece starts.
    public func console(
        of machine: MachineID,
        offset: UInt64 = 0,
        limit: Int = ConsoleResponse.defaultLimit
    ) async throws -> (bytes: [UInt8], nextOffset: UInt64) {
        let query = [URLQueryItem(name: "offset", value: "\(offset)"), URLQueryItem(name: "limit", value: "\(limit)")]
        let plan = RequestPlan(.get, "/vm/\(machine)/console", query: query)
        return try await transport.value(ConsoleResponse.self, plan).piece()
    }

    /// The serial console from `offset` on, as the VM writes it. The pieces end when the VM is no more.
    public func followConsole(of machine: MachineID, offset: UInt64 = 0) async throws -> ConsoleStream {
        let plan = RequestPlan(
            .get,
            "/vm/\(machine)/console/stream",
            query: [URLQueryItem(name: "offset", value: "\(offset)")],
            patience: .unlimited
        )
        return ConsoleStream(try await transport.open(plan), transport: transport)
    }
}

extension ConsoleResponse {
    fileprivate func piece() throws -> ConsoleStream.Element {
        guard let data = Data(base64Encoded: content_b64) else {
            throw VersError(.internal, "the server sent the console in something that is not base64")
        }
        return (bytes: Array(data), nextOffset: next_offset)
    }
}

/// The pieces of a followed console, each with where the next one starts. To be iterated once.
/// - Throws: ``VersError``: `.unreachable` or `.unavailable` when the connection ended before the VM did.
public struct ConsoleStream: AsyncSequence, Sendable {
    public typealias Element = (bytes: [UInt8], nextOffset: UInt64)

    private let lines: ResponseLines

    init(_ response: HTTPClientResponse, transport: Transport) {
        lines = ResponseLines(response, transport: transport, limit: TransferLimit.execLineBytes)
    }

    public func makeAsyncIterator() -> Iterator { Iterator(lines: lines.makeAsyncIterator()) }

    public struct Iterator: AsyncIteratorProtocol {
        private var lines: ResponseLines.Iterator

        init(lines: ResponseLines.Iterator) { self.lines = lines }

        public mutating func next() async throws -> Element? {
            guard let line = try await lines.next() else { return nil }
            do {
                return try JSONCoding.decode(ConsoleResponse.self, from: Data(buffer: line)).piece()
            } catch let error as DecodingError {
                throw VersError(.internal, "a line of the console's stream is not understood", cause: error)
            }
        }
    }
}
