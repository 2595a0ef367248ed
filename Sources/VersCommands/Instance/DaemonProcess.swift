import Foundation
internal import SystemPackage
import VersAPI

/// A `versd` that this process just started, in a session of its own.
struct DaemonProcess: Sendable {
    enum Outcome: Sendable {
        case ready
        case ended(status: String)
        case timedOut
    }

    let pid: pid_t
    /// The daemon writes `ready` to the other end when it listens; the end of file means that it is gone.
    private let readiness: FileDescriptor

    /// The descriptor under which the daemon finds the readiness pipe.
    private static let readyDescriptor: Int32 = 3

    /// `POSIX_SPAWN_SETSID` of glibc's `spawn.h`, which hides it from Swift.
    private static let setSessionFlag: Int32 = 0x80

    static func spawn(_ executable: FilePath, home: InstanceHome) throws -> Self {
        let (reader, writer) = try pipe()
        defer { close(writer.rawValue) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(
            &actions,
            STDOUT_FILENO,
            home.log.string,
            O_WRONLY | O_CREAT | O_APPEND,
            0o600
        )
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        posix_spawn_file_actions_adddup2(&actions, writer.rawValue, readyDescriptor)
        closeOtherDescriptorsOnExec()

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        let flags = setSessionFlag | Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK)
        posix_spawnattr_setflags(&attributes, Int16(flags))

        let arguments = [executable.string, "--home", home.path.string, "--ready-fd", "\(readyDescriptor)"]
        var pid: pid_t = 0
        let code = withCStrings(arguments) { posix_spawn(&pid, executable.string, &actions, &attributes, $0, environ) }
        guard code == 0 else {
            close(reader.rawValue)
            throw VersError(.internal, "cannot start \(executable): \(Errno(rawValue: code))")
        }
        return Self(pid: pid, readiness: reader)
    }

    /// Blocks. To be called once.
    func waitUntilReady(timeout: Duration) -> Outcome {
        defer { close(readiness.rawValue) }
        let deadline = ContinuousClock.now + timeout
        var received: [UInt8] = []
        while true {
            let remaining = max(.zero, deadline - .now)
            var entry = pollfd(fd: readiness.rawValue, events: Int16(POLLIN), revents: 0)
            let count = poll(&entry, 1, Int32(remaining / .milliseconds(1)))
            if count == 0 { return .timedOut }
            if count < 0 { continue }
            var buffer = [UInt8](repeating: 0, count: 64)
            let length = read(readiness.rawValue, &buffer, buffer.count)
            if length < 0 { continue }
            if length == 0 { return .ended(status: reap()) }
            received += buffer.prefix(length)
            if received.starts(with: Array("ready\n".utf8)) { return .ready }
        }
    }

    /// Asks the daemon to end.
    func terminate() { kill(pid, SIGTERM) }

    private func reap() -> String {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 { if errno != EINTR { return "status unknown" } }
        let signal = status & 0x7F
        return signal == 0 ? "exit status \((status >> 8) & 0xFF)" : "signal \(signal)"
    }

    private static func pipe() throws -> (reader: FileDescriptor, writer: FileDescriptor) {
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else {
            throw VersError(.internal, "cannot make a pipe: \(Errno(rawValue: errno))")
        }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }

    /// The daemon must hold nothing that this process happened to inherit, such as a pipe that someone reads to its end.
    private static func closeOtherDescriptorsOnExec() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        }
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let pointers = strings.map { strdup($0) }
        defer { for pointer in pointers { free(pointer) } }
        return body(pointers + [nil])
    }
}
