import Logging
public import ServiceLifecycle

/// Keeps the logs of serial consoles from filling the host's disk, whatever a guest prints.
public struct ConsoleKeeper: Service {
    /// Of each log, this much of the end is kept.
    static let keptBytes: UInt64 = 8 << 20
    /// A serial port under emulation prints a few megabytes a second at most (115,200 baud means nothing there), so
    /// that a log outgrows its limit by well under 100 MiB between two looks.
    static let interval: Duration = .seconds(20)

    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            // Ends by the cancellation of the sleep.
            while (try? await Task.sleep(for: Self.interval)) != nil { await trimAll() }
        }
    }

    func trimAll() async {
        for live in await domain.registry.all() {
            do {
                try await domain.files.trimConsole(of: live.id, keepingBytes: Self.keptBytes)
            } catch {
                domain.logger.warning(
                    "console log could not be trimmed",
                    metadata: ["vm.id": "\(live.id)", "error": "\(error)"]
                )
            }
        }
    }
}
