import ArgumentParser
import Foundation
import VersAPI

/// `vers down`.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop this user's daemon; its VMs run on.",
        discussion: """
            The next daemon, started by any command or 'vers up', takes the VMs over.

            EXAMPLES
              vers down
            """
    )

    /// How long a daemon may take to finish what it does.
    private static let deadlineInSeconds = 60

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let context = common.context
        let home = InstanceHome(context, environment: try DotEnv.environment(of: context))
        guard let record = try home.runningDaemon(), FileLock.isHeld(home.daemonLock) else {
            context.print("no daemon runs for \(home.path)")
            return
        }
        guard kill(record.pid, SIGTERM) == 0 else {
            let code = errno
            throw VersError(.forbidden, "cannot stop versd, pid \(record.pid): \(String(cString: strerror(code)))")
        }
        let lock = home.daemonLock
        let isGone = try await context.progress("stopping versd") {
            await Blocking.run {
                let done = DispatchSemaphore(value: 0)
                // The lock is free as soon as its holder is gone. A wait that is given up ends with this process.
                DispatchQueue.global().async {
                    if (try? FileLock.waitUntilFree(lock)) != nil { done.signal() }
                }
                return done.wait(timeout: .now() + .seconds(Self.deadlineInSeconds)) == .success
            }
        }
        guard isGone else {
            throw VersError(
                .timedOut,
                "versd, pid \(record.pid), did not end within \(Self.deadlineInSeconds) seconds",
                hint: "see \(home.log)"
            )
        }
        context.print("versd stopped; its VMs run on")
    }
}
