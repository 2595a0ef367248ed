import Foundation
import HostSystem
internal import SystemPackage
import VersAPI

/// The other end of a guard process: tells it what to delete, and when there is nothing left to do.
///
/// The guard learns of our end by the end of a pipe, which no crash can keep from happening.
struct TemporaryGuardian: Sendable {
    private let pipe: FileDescriptor

    /// Starts a guard in a session of its own. Nil when this process is not `vers` itself.
    static func start(token: String, context: CommandContext) throws -> Self? {
        guard let executable = context.executable else { return nil }
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else {
            throw VersError(.internal, "cannot make a pipe: \(Errno(rawValue: errno))")
        }
        // Nothing else that this process starts may keep the guard from seeing our end.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        do {
            _ = try DetachedProcess(
                executable: executable,
                arguments: [TmpGuard.name, token],
                environment: context.environment,
                workingDirectory: context.workingPath,
                output: "/dev/null",
                inheritedDescriptors: [ends[0]]
            ).start()
        } catch {
            close(ends[1])
            throw VersError(.internal, "cannot start \(executable) as a guard: \(error)", cause: error)
        }
        return Self(pipe: FileDescriptor(rawValue: ends[1]))
    }

    func watch(_ id: MachineID) { write("\(id)\n") }

    /// The guard ends without doing anything.
    func dismiss() { write("\(TmpGuard.dismissal)\n") }

    /// A guard that is gone cannot be told anything, and there is nothing to be done about it.
    private func write(_ text: String) { _ = try? pipe.writeAll(Array(text.utf8)) }
}
