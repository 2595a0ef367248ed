internal import NIOPosix

/// Runs calls that block (file synchronisation, directory scans) away from the cooperative pool.
public enum BlockingPool {
    /// Enough that a slow disk does not hold up `/proc` reads; idle threads cost only address space.
    private static let threadCount = 6

    private static let pool: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: threadCount)
        pool.start()
        return pool
    }()

    /// Runs `body` on one of the pool's threads. A running body is not interrupted by cancellation; one that has
    /// not started throws `CancellationError`.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await pool.runIfActive(body)
    }
}
