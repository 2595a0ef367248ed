import Foundation
import Glibc
import HostSystem
import SystemPackage
import VersAPI

/// A program of the host that does one piece of work. Calls block until it has ended.
struct HostTool {
    private static let messageBytes = 2000

    let executable: FilePath

    /// Looks in `PATH` and where Debian keeps the administrator's programs. Nil when it is not installed.
    init?(_ name: String) {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        let directories = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
        let candidates: [String] = directories.map { "\($0)/\(name)" }
        guard let found = candidates.first(where: { access($0, X_OK) == 0 }) else { return nil }
        executable = FilePath(found)
    }

    /// Runs it to its end.
    /// - Parameter output: gets what it writes; an error ends the program.
    /// - Throws: ``VersError`` with what it complained about when it fails.
    func run(_ arguments: [String], output: ((UnsafeRawBufferPointer) throws -> Void)? = nil) throws {
        let complaints = FilePath(FileManager.default.temporaryDirectory.path)
            .appending("vers-image-\(UUID().uuidString)")
        let errors = try FileDescriptor.open(
            complaints,
            .readWrite,
            options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
        // It has no other reader.
        unlink(complaints.string)
        defer { try? errors.close() }
        let pid: pid_t
        do {
            pid = try start(arguments, output: output, errors: errors)
        } catch let error as Errno {
            throw HostError("start", executable, errno: error)
        }
        let status = Self.status(of: pid)
        guard status == 0 else {
            var text = [UInt8](repeating: 0, count: Self.messageBytes)
            let count = try text.withUnsafeMutableBytes { try errors.read(fromAbsoluteOffset: 0, into: $0) }
            let message = String(decoding: text.prefix(count), as: UTF8.self)
            throw VersError(
                .internal,
                "\(executable) failed with status \(status): \(message.trimmingCharacters(in: .whitespacesAndNewlines))"
            )
        }
    }

    /// Starts it and takes in its output. When that throws, the program is gone.
    private func start(
        _ arguments: [String],
        output: ((UnsafeRawBufferPointer) throws -> Void)?,
        errors: FileDescriptor
    ) throws -> pid_t {
        guard let output else { return try spawn(arguments, stdout: errors, stderr: errors) }
        let (reading, writing) = try FileDescriptor.pipe()
        defer { try? reading.close() }
        for end in [reading, writing] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        let pid: pid_t
        do {
            defer { try? writing.close() }
            pid = try spawn(arguments, stdout: writing, stderr: errors)
        }
        do {
            try Self.drain(reading, into: output)
        } catch {
            kill(pid, SIGKILL)
            _ = Self.status(of: pid)
            throw error
        }
        return pid
    }

    /// With the signals of a new program, whatever this thread blocks.
    private func spawn(
        _ arguments: [String],
        stdout: FileDescriptor,
        stderr: FileDescriptor
    ) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, stdout.rawValue, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, stderr.rawValue, STDERR_FILENO)
        var words: [UnsafeMutablePointer<CChar>?] = ([executable.string] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let status = posix_spawn(&pid, executable.string, &actions, &attributes, &words, environ)
        guard status == 0 else { throw Errno(rawValue: status) }
        return pid
    }

    private static func status(of pid: pid_t) -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
    }

    private static func drain(
        _ descriptor: FileDescriptor,
        into output: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try descriptor.read(into: buffer)
            if count == 0 { return }
            try output(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }
}
