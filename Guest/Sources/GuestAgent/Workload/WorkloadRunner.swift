import Glibc
import GuestProtocol

/// Runs the command of an image that has no init: once in the life of a boot, when the host says that the machine is
/// itself. The machine stays up when the command ends.
final class WorkloadRunner {
    /// Between the image's stop signal and the end of the machine.
    private static let grace: UInt64 = 10_000

    private let workload: Workload?
    private let loop: EventLoop
    private let commands: CommandTable
    private var command: Command?
    private var hasStarted = false
    private lazy var mirror = ConsoleMirror(loop: loop)

    init(_ workload: Workload?, loop: EventLoop, commands: CommandTable) {
        self.workload = workload
        self.loop = loop
        self.commands = commands
    }

    /// Does nothing when there is no command, or when it was started already.
    func start(identity: [EnvironmentVariable]) {
        guard let workload, workload.initPath.isEmpty, !workload.arguments.isEmpty, !hasStarted else { return }
        hasStarted = true
        do throws(Failure) {
            let command = try spawn(workload, identity: identity)
            self.command = command
            follow(command)
            commands.add(command)
        } catch {
            say("the image's command did not start: \(error.message)")
        }
    }

    /// Asks a command that runs to end, and calls `then` when it has or its time is up.
    func end(then: @escaping () -> Void) {
        guard let workload, let command, command.status == nil else { return then() }
        var isDone = false
        let finish = {
            guard !isDone else { return }
            isDone = true
            then()
        }
        command.onEnd = { _ in finish() }
        // As a container runtime: to the command, which knows its children.
        kill(command.pid, workload.stopSignal)
        _ = loop.schedule(afterMilliseconds: Self.grace, finish)
    }

    private func spawn(_ workload: Workload, identity: [EnvironmentVariable]) throws(Failure) -> Command {
        let user = try WorkloadUser(
            workload.user,
            passwd: SmallFile.readText("/etc/passwd") ?? "",
            group: SmallFile.readText("/etc/group") ?? ""
        )
        if workload.directory.hasPrefix("/") {
            do throws(SystemError) {
                try SmallFile.makeDirectories(workload.directory)
            } catch {
                throw Failure(.internal, error.description)
            }
        }
        return try Spawner.start(workload, as: user, environment: environment(workload, user, identity))
    }

    private func environment(
        _ workload: Workload,
        _ user: WorkloadUser,
        _ identity: [EnvironmentVariable]
    ) -> [String: String] {
        var environment = ["PATH": Environment.defaultPath, "HOME": user.home]
        if let hostname = SmallFile.readLine("/proc/sys/kernel/hostname") { environment["HOSTNAME"] = hostname }
        for variable in workload.environment + identity { environment[variable.name] = variable.value }
        return environment
    }

    private func follow(_ command: Command) {
        command.onOutput = { [unowned self, unowned command] bytes in
            mirror.write(bytes)
            command.isHeld = mirror.isFull
        }
        mirror.onDrain = { [unowned self, unowned command] in
            guard command.isHeld else { return }
            command.isHeld = false
            commands.updateReading(command)
        }
        command.onEnd = { [unowned self] status in say("the image's command has ended with status \(status)") }
    }

    private func say(_ message: String) { mirror.write(Array("vers-agent: \(message)\n".utf8)[...]) }
}
