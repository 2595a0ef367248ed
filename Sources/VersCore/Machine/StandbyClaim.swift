import Synchronization
import VersAPI

/// A process that waits, for the time of an operation that may make a VM of it.
final class StandbyClaim: Sendable {
    /// The id that the VM will have; nil when there is no process.
    let id: MachineID?
    private let standby: Mutex<Standby?>

    fileprivate init(_ standby: Standby?) {
        id = standby?.id
        self.standby = Mutex(standby)
    }

    /// Chooses the place in a private network that the process will get when it is used.
    func choose(_ network: MachineNetwork?) { standby.withLock { $0?.network = network } }

    /// The process, whose owner the caller is from now on. Nil when there is none any more.
    func take() -> Standby? { standby.withLock { $0.take() } }
}

extension StandbyPool {
    /// Runs `body`, and ends the process if that has not taken it, whatever became of it.
    nonisolated func lend<Value>(
        _ standby: Standby?,
        to body: (StandbyClaim) async throws -> Value
    ) async rethrows -> Value {
        let claim = StandbyClaim(standby)
        do {
            let value = try await body(claim)
            await abandon([claim.take()].compactMap(\.self))
            return value
        } catch {
            await abandon([claim.take()].compactMap(\.self))
            throw error
        }
    }
}
