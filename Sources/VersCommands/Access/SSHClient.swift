import Foundation
import Synchronization
internal import SystemPackage
import VersAPI

/// The user's OpenSSH client.
struct SSHClient {
    let program: FilePath

    /// - Throws: `.notFound` with what to do.
    static func find(_ context: CommandContext) throws -> SSHClient {
        for directory in (context.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":") {
            let candidate = FilePath(String(directory)).appending("ssh")
            if access(candidate.string, X_OK) == 0 { return SSHClient(program: candidate) }
        }
        throw VersError(
            .notFound,
            "there is no ssh in PATH",
            hint: "install OpenSSH's client: apt-get install openssh-client"
        )
    }
}

/// The last signal that was passed on to a program.
private final class PassedSignal: Sendable {
    let number = Mutex<Int32?>(nil)
}

/// A program in the foreground: it has our terminal and our other streams.
///
/// Signals that are meant to end us are passed on to it, and it decides what they mean. Those of the terminal reach it by
/// itself, too, which makes no difference.
struct ForegroundProcess {
    var program: FilePath
    var arguments: [String]
    var environment: [String: String]
    /// Descriptors that become its stdin and stdout, in place of ours.
    var input: Int32?
    var output: Int32?

    private static let endings = [SIGINT, SIGQUIT, SIGTERM, SIGHUP]

    /// - Returns: its exit status, or 128 and the number of the signal that ended it, be it by a failure after it was
    ///   passed on.
    /// - Throws: `.internal` when it cannot be started. Cancellation ends it.
    func run() async throws -> Int32 {
        let signals = SignalStream.signals(Self.endings)
        let passed = PassedSignal()
        let pid = try start()
        return try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask {
                await withTaskCancellationHandler {
                    await Blocking.run { Self.wait(for: pid) }
                } onCancel: {
                    kill(pid, SIGTERM)
                }
            }
            group.addTask {
                for await number in signals {
                    passed.number.withLock { $0 = number }
                    kill(pid, number)
                }
                return nil
            }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                guard let status = result else { continue }
                return status == 0 ? 0 : passed.number.withLock { $0 }.map { 128 + $0 } ?? status
            }
            throw CancellationError()
        }
    }

    private func start() throws -> pid_t {
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // We ignore and take over signals that it must get.
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input { posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO) }
        if let output { posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO) }

        var words = ([program.string] + arguments).map { strdup($0) } + [nil]
        var variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in words + variables { free(pointer) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, program.string, &actions, &attributes, &words, &variables)
        guard status == 0 else {
            throw VersError(.internal, "cannot start \(program): \(Errno(rawValue: status))")
        }
        return pid
    }

    private static func wait(for pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return 255 }
        }
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }
}
