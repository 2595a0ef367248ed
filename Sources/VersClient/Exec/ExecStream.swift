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
    private let body: HTTPClientResponse.Body
    private let transport: Transport

    init(_ response: HTTPClientResponse, transport: Transport) throws {
        guard let execID = response.headers.first(name: "X-Exec-Id").flatMap(ExecID.init) else {
            throw VersError(.internal, "the server did not say which command the stream belongs to")
        }
        self.execID = execID
        body = response.body
        self.transport = transport
    }

    public func makeAsyncIterator() -> Iterator {
        Iterator(execID: execID, parts: body.makeAsyncIterator(), transport: transport)
    }

    public struct Iterator: AsyncIteratorProtocol {
        private let execID: ExecID
        private var parts: HTTPClientResponse.Body.AsyncIterator
        private let transport: Transport
        private var splitter = LineSplitter(limit: TransferLimit.execLineBytes)
        private var isFinished = false

        init(execID: ExecID, parts: HTTPClientResponse.Body.AsyncIterator, transport: Transport) {
            self.execID = execID
            self.parts = parts
            self.transport = transport
        }

        public mutating func next() async throws -> ExecEvent? {
            guard !isFinished else { return nil }
            while true {
                if let line = try splitter.next() {
                    guard let event = try ExecLine.event(in: line) else { continue }
                    if case .chunk = event { return event }
                    isFinished = true
                    return event
                }
                do {
                    guard let part = try await parts.next(isolation: #isolation) else { break }
                    splitter.append(part)
                } catch {
                    isFinished = true
                    throw transport.translate(error)
                }
            }
            isFinished = true
            throw VersError(
                .unavailable,
                "the stream ended before command \(execID) did",
                hint: "the command may still run: attach to it"
            )
        }
    }
}
