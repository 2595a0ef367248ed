public import VersCore

/// A followed console that the test writes.
public final class ConsoleDouble: ConsoleFollowing {
    private let chunks: AsyncStream<ConsoleChunk>
    private let source: AsyncStream<ConsoleChunk>.Continuation
    /// Opened when somebody's wait for the next bytes was ended.
    public let cancelled = Latch()

    public init() { (chunks, source) = AsyncStream.makeStream() }

    public func write(_ text: String, nextOffset: UInt64) {
        source.yield(ConsoleChunk(bytes: Array(text.utf8), nextOffset: nextOffset))
    }

    /// The VM is no more.
    public func end() { source.finish() }

    public func next() async throws -> ConsoleChunk? {
        for await chunk in chunks { return chunk }
        if Task.isCancelled { cancelled.open() }
        try Task.checkCancellation()
        return nil
    }
}
