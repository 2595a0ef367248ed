import Logging
public import ServiceLifecycle
import Synchronization

/// Runs work that outlives the request that asked for it. The owner of every such task: it awaits them all and
/// cancels them when the daemon shuts down.
public final class BackgroundWork: Service {
    typealias Work = @Sendable @concurrent () async -> Void

    private let stream: AsyncStream<Work>
    private let continuation: AsyncStream<Work>.Continuation

    public init() { (stream, continuation) = AsyncStream.makeStream() }

    /// Starts `work` once the service runs. After shutdown the work is dropped: whoever depends on it must find
    /// its traces at the next start.
    func start(_ work: @escaping Work) { continuation.yield(work) }

    public func run() async throws {
        await withTaskGroup(of: Void.self) { group in
            await withGracefulShutdownHandler {
                for await work in stream { group.addTask(operation: work) }
            } onGracefulShutdown: {
                self.continuation.finish()
            }
            group.cancelAll()
        }
    }
}
