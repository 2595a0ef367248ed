import InstanceStore
import Logging
import ServiceLifecycle

/// Keeps VMs' logs from filling the disk, for as long as the daemon runs.
struct LogTrimming: Service {
    /// A guest writes some 10 MB in it, under emulation.
    private static let interval: Duration = .seconds(10)

    let logs: MachineLogs
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await logs.trim()
                } catch {
                    logger.warning("logs of vms could not be trimmed", metadata: ["error": "\(error)"])
                }
                // Ended by the shutdown.
                try? await Task.sleep(for: Self.interval, clock: .continuous)
            }
        }
    }
}
