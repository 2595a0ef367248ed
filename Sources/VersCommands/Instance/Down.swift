import ArgumentParser
import Foundation
import HostSystem
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
        guard let record = try home.runningDaemon(), let daemon = try? ProcessHandle(pid: record.pid),
            FileLock.isHeld(home.daemonLock)
        else {
            context.print("no daemon runs for \(home.path)")
            return
        }
        do {
            try daemon.signal(SIGTERM)
        } catch {
            throw VersError(.forbidden, "cannot stop versd, pid \(record.pid): \(error)")
        }
        let end = try await context.progress("stopping versd") {
            await daemon.waitForExit(timeout: .seconds(Self.deadlineInSeconds))
        }
        guard end != nil else {
            throw VersError(
                .timedOut,
                "versd, pid \(record.pid), did not end within \(Self.deadlineInSeconds) seconds",
                hint: "see \(home.log)"
            )
        }
        context.print("versd stopped; its VMs run on")
    }
}
