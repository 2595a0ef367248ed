import CGuest
import Glibc
import GuestProtocol

/// An SSH server for images that run none: one process for each connection, on one end of a pair of sockets.
///
/// It needs no port and nothing of the image but a shell. The keys are read anew for each connection, so that a child of
/// a VM shows its own and takes its own from the first on.
final class SSHService {
    static let port: UInt16 = 22
    private static let folder = "/run/vers/ssh"
    private static let hostKey = "\(folder)/host-key"
    private static let environment = "\(folder)/environment"
    private static let session = "\(folder)/session"
    /// What dropbear runs for the subsystem `sftp`.
    private static let sftpServer = "/usr/lib/sftp-server"

    private let machine: Machine
    private let loop: EventLoop
    private let identity: IdentityKeeper

    init(machine: Machine, loop: EventLoop, identity: IdentityKeeper) {
        self.machine = machine
        self.loop = loop
        self.identity = identity
    }

    /// Whether there is a server to start.
    var isAvailable: Bool { machine.isGuest && machine.programsDescriptor >= 0 && !identity.sshHostKey.isEmpty }

    /// Starts a server.
    /// - Returns: a non-blocking socket that is connected to it and belongs to the caller.
    func connect() throws(Failure) -> Int32 {
        guard isAvailable else { throw Failure(.unsupported, "there is no SSH server in this image") }
        do throws(SystemError) {
            try writeFiles()
        } catch {
            throw Failure(error.number == ENOSPC ? .resourceExhausted : .internal, "cannot prepare SSH: \(error)")
        }
        var ends: [Int32] = [-1, -1]
        let status = cguest_socket_pair(&ends)
        guard status >= 0 else {
            throw Failure(.resourceExhausted, "cannot connect to the SSH server: \(SystemError("", -status).reason)")
        }
        defer { close(ends[1]) }
        do throws(Failure) {
            try start(on: ends[1])
        } catch {
            close(ends[0])
            throw error
        }
        _ = fcntl(ends[0], F_SETFL, fcntl(ends[0], F_GETFL) | O_NONBLOCK)
        return ends[0]
    }

    // MARK: Process

    private func start(on socket: Int32) throws(Failure) {
        let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard null >= 0 else { throw Failure(.internal, SystemError("open /dev/null").description) }
        defer { close(null) }
        var spawn = cguest_spawn_request()
        spawn.stdin_fd = socket
        spawn.stdout_fd = socket
        spawn.stderr_fd = null
        spawn.cgroup_procs_fd = machine.cgroupDescriptor()
        let command = BroughtPrograms.command("dropbear", in: BroughtPrograms.path(of: machine.programsDescriptor))
        // No passwords, no message of the day; sessions begin with our script.
        let options = ["-i", "-s", "-m", "-r", Self.hostKey, "-c", "exec sh \(Self.session)"]
        let pid = Spawner.run(
            &spawn,
            path: command[0],
            directory: "/",
            arguments: command + options,
            environment: ["PATH": Environment.defaultPath]
        )
        guard pid > 0 else {
            throw Failure(.resourceExhausted, "cannot start the SSH server: \(SystemError("", -pid).reason)")
        }
        watch(spawn.pid_fd)
    }

    private func watch(_ process: Int32) {
        do throws(SystemError) {
            try loop.add(process, EventLoop.readable) { [loop] _ in
                guard cguest_reap(process) != -EAGAIN else { return }
                loop.remove(process)
                close(process)
            }
        } catch {
            // It runs, and is collected by init when the agent ends.
            Console.log("cannot watch an SSH server: \(error)")
            close(process)
        }
    }

    // MARK: Files

    private func writeFiles() throws(SystemError) {
        guard let key = SSHHostKey.dropbearKey(inPEM: identity.sshHostKey) else {
            throw SystemError("read the SSH host key", EINVAL)
        }
        try SmallFile.makeDirectories(Self.folder)
        try SmallFile.replace(Self.hostKey, with: key, mode: 0o600)
        let variables = Environment.merged(
            request: [],
            identity: identity.environment,
            image: machine.workload?.environment ?? [],
            hasTerminal: false
        )
        try SmallFile.replace(Self.environment, with: Self.exports(of: variables), mode: 0o600)
        let programs = BroughtPrograms.path(of: machine.programsDescriptor)
        try SmallFile.replace(Self.session, with: Self.script(programs: programs), mode: 0o644)
    }

    /// Lines of a shell that set what commands of the host get, too, except for what the server sets for its user.
    static func exports(of variables: [String: String]) -> String {
        let usersOwn: Set<String> = ["HOME", "USER", "LOGNAME", "SHELL", "TERM"]
        return variables.filter { !usersOwn.contains($0.key) }
            .sorted { $0.key < $1.key }
            .map { "export \($0.key)=\(quoted($0.value))\n" }
            .joined()
    }

    private static func quoted(_ value: String) -> String {
        var text = "'"
        for character in value.unicodeScalars {
            if character == "'" { text += "'\\''" } else { text.unicodeScalars.append(character) }
        }
        return text + "'"
    }

    /// What every session runs in place of the user's shell.
    static func script(programs: String) -> String {
        let sftp = BroughtPrograms.command("sftp-server", in: programs).joined(separator: " ")
        return """
            # Written by vers-agent.
            if [ -r \(environment) ]; then . \(environment); fi
            command=${SSH_ORIGINAL_COMMAND-}
            unset SSH_ORIGINAL_COMMAND
            if [ -z "$command" ]; then exec "${SHELL:-/bin/sh}" -l; fi
            if [ "$command" = \(sftpServer) ] && [ -x \(programs)/ld.so ]; then exec \(sftp); fi
            exec "${SHELL:-/bin/sh}" -c "$command"

            """
    }
}
