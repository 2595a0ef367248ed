import Synchronization
public import VersAPI
public import VersCore

/// A followed command whose events the test writes.
public final class ExecDouble: GuestExec {
    public let id: ExecID
    /// Opened by ``detach()``.
    public let detached = Latch()
    private let events: AsyncStream<ExecEvent>
    private let source: AsyncStream<ExecEvent>.Continuation
    private let endless: (@Sendable () -> ExecEvent)?
    private let taken = Mutex(0)

    public init(id: ExecID = ExecID(), endless: (@Sendable () -> ExecEvent)? = nil) {
        self.id = id
        self.endless = endless
        (events, source) = AsyncStream.makeStream()
    }

    /// How many events the server has asked for and got.
    public var takenCount: Int { taken.withLock { $0 } }

    public func emit(_ text: String, on stream: OutputStream = .stdout, cursor: UInt64 = 1) {
        emit(Array(text.utf8), on: stream, cursor: cursor)
    }

    public func emit(_ data: [UInt8], on stream: OutputStream = .stdout, cursor: UInt64 = 1) {
        source.yield(
            .chunk(stream: stream, data: data, cursor: cursor, execID: id, timestamp: "2026-05-01T10:00:00.000000Z")
        )
    }

    public func emit(_ event: ExecEvent) { source.yield(event) }

    public func exit(_ code: Int32) {
        source.yield(.exit(code: code, cursor: 99, execID: id))
        source.finish()
    }

    /// The connection to the guest ends without an exit.
    public func lose() { source.finish() }

    public func next() async throws -> ExecEvent? {
        try Task.checkCancellation()
        if let endless {
            taken.withLock { $0 += 1 }
            return endless()
        }
        var iterator = events.makeAsyncIterator()
        let event = await iterator.next()
        try Task.checkCancellation()
        if event != nil { taken.withLock { $0 += 1 } }
        return event
    }

    public func detach() async { detached.open() }
}
