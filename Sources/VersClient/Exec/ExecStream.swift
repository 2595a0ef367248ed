import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
public import VersAPI

/// The events of a followed command, in their order, ending after `exit` or `error`. To be iterated once.
///
/// Events are read from the connection as they are asked for: a slow reader slows the command's output down.
/// - Throws: ``VersError``: `.unavailable` when the stream ended before the command did.
public struct ExecStream: AsyncSequence, Sendable {
    public typealias Element = ExecEvent

    /// For feeding, signalling and attaching to the command.
    public let execID: ExecID
    private let lines: ResponseLines

    init(_ response: HTTPClientResponse, transport: Transport) throws {
        guard let execID = response.headers.first(name: "X-Exec-Id").flatMap(ExecID.init) else {
            throw VersError(.internal, "the server did not say which command the stream belongs to")
        }
        self.execID = execID
        lines = ResponseLines(response, transport: transport, limit: TransferLimit.execLineBytes)
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(execID: execID, lines: lines.makeAsyncIterator())
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let execID: ExecID
        private var lines: ResponseLines.Iterator
        private var isFinished = false

        init(execID: ExecID, lines: ResponseLines.Iterator) {
            self.execID = execID
            self.lines = lines
        }

        public mutating func next() async throws -> ExecEvent? {
            guard !isFinished else { return nil }
            while let line = try await nextLine() {
                guard let event = try ExecLine.event(in: line) else { continue }
                if case .chunk = event { return event }
                isFinished = true
                return event
            }
            isFinished = true
            throw VersError(
                .unavailable,
                "the stream ended before command \(execID) did",
                hint: "the command may still run: attach to it"
            )
        }

        private mutating func nextLine() async throws -> ByteBuffer? {
            do {
                return try await lines.next()
            } catch {
                isFinished = true
                throw error
            }
        }
    }
}
