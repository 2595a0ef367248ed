import CGuest
import Glibc
import GuestProtocol

/// Starts processes.
enum Spawner {
    /// Descriptors that a new process gets, and the ends that stay here.
    private struct Streams {
        var child: [Int32] = []
        var terminal: Int32?
        var stdin: Int32?
        var outputs: [Command.Output] = []

        func closeAll() {
            var all = Set(child + outputs.map(\.descriptor))
            if let stdin { all.insert(stdin) }
            for fd in all { close(fd) }
        }
    }

    /// - Parameters:
    ///   - toolbox: the program to run in place of the one that the first argument names in the image.
    ///   - cgroup: an open `cgroup.procs`, or -1.
    static func start(
        _ request: SpawnRequest,
        toolbox: String? = nil,
        environment: [String: String],
        cgroup: Int32
    ) throws(Failure) -> Command {
        let path =
            if let toolbox { toolbox } else { try executable(request.arguments, environment: environment) }
        let directory = request.directory.isEmpty ? home(environment) : request.directory
        var streams = Streams()
        do throws(SystemError) {
            try open(&streams, for: request)
        } catch {
            streams.closeAll()
            throw Failure(.resourceExhausted, error.description)
        }
        var spawn = cguest_spawn_request()
        spawn.controlling_terminal = request.terminal != nil
        spawn.cgroup_procs_fd = cgroup
        return try finish(
            &spawn,
            streams,
            id: request.id,
            isEphemeral: toolbox != nil,
            path,
            request.arguments,
            directory,
            environment
        )
    }

    /// Starts the image's command: as its user, without stdin.
    static func start(
        _ workload: Workload,
        as user: WorkloadUser,
        environment: [String: String]
    ) throws(Failure) -> Command {
        let path = try executable(workload.arguments, environment: environment)
        let directory = workload.directory.isEmpty ? "/" : workload.directory
        var streams = Streams()
        do throws(SystemError) {
            let null = Glibc.open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard null >= 0 else { throw SystemError("open /dev/null") }
            streams.child.append(null)
            try openOutputs(&streams)
            // Programs open /dev/stdout again, which asks for the pipe's owner.
            for fd in streams.child.dropFirst() where fchown(fd, user.uid, user.gid) < 0 {
                throw SystemError("give a pipe to user \(user.uid)")
            }
        } catch {
            streams.closeAll()
            throw Failure(.resourceExhausted, error.description)
        }
        var spawn = cguest_spawn_request()
        spawn.cgroup_procs_fd = -1
        spawn.changes_user = true
        spawn.uid = user.uid
        spawn.gid = user.gid
        spawn.group_count = user.groups.count
        return try user.groups.withUnsafeBufferPointer { groups throws(Failure) in
            spawn.groups = groups.baseAddress
            return try finish(&spawn, streams, id: Workload.id, path, workload.arguments, directory, environment)
        }
    }

    private static func finish(
        _ spawn: inout cguest_spawn_request,
        _ streams: Streams,
        id: WireID,
        isEphemeral: Bool = false,
        _ path: String,
        _ arguments: [String],
        _ directory: String,
        _ environment: [String: String]
    ) throws(Failure) -> Command {
        spawn.stdin_fd = streams.child[0]
        spawn.stdout_fd = streams.child[1]
        spawn.stderr_fd = streams.child[2]
        let pid = run(&spawn, path: path, directory: directory, arguments: arguments, environment: environment)
        guard pid > 0 else {
            streams.closeAll()
            throw failure(spawn.failed_stage, number: -pid, path: path, directory: directory)
        }
        for fd in Set(streams.child) { close(fd) }
        return Command(
            id: id,
            isEphemeral: isEphemeral,
            pid: pid,
            pidDescriptor: spawn.pid_fd,
            terminal: streams.terminal,
            stdin: streams.stdin,
            outputs: streams.outputs
        )
    }

    /// Starts a process with the streams that `spawn` names.
    /// - Returns: its pid, or a negated errno.
    static func run(
        _ spawn: inout cguest_spawn_request,
        path: String,
        directory: String,
        arguments: [String],
        environment: [String: String]
    ) -> Int32 {
        var arguments: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        return path.withCString { path in
            directory.withCString { directory in
                arguments.withUnsafeMutableBufferPointer { arguments in
                    variables.withUnsafeMutableBufferPointer { variables in
                        spawn.path = path
                        spawn.directory = directory
                        spawn.arguments = UnsafePointer(arguments.baseAddress)
                        spawn.environment = UnsafePointer(variables.baseAddress)
                        return cguest_spawn(&spawn)
                    }
                }
            }
        }
    }

    private static func open(_ streams: inout Streams, for request: SpawnRequest) throws(SystemError) {
        if let size = request.terminal {
            var leader: Int32 = -1
            var follower: Int32 = -1
            try SystemError.check(
                "open a terminal",
                cguest_open_terminal(size.columns, size.rows, &leader, &follower)
            )
            setNonBlocking(leader)
            streams.child = [follower, follower, follower]
            streams.terminal = leader
            streams.stdin = leader
            streams.outputs = [Command.Output(descriptor: leader, stream: .stdout)]
            return
        }
        let input = try pipePair()
        streams.child.append(input.read)
        streams.stdin = input.write
        setNonBlocking(input.write)
        try openOutputs(&streams)
    }

    private static func openOutputs(_ streams: inout Streams) throws(SystemError) {
        for stream in [RecordStream.stdout, .stderr] {
            let output = try pipePair()
            streams.child.append(output.write)
            streams.outputs.append(Command.Output(descriptor: output.read, stream: stream))
            setNonBlocking(output.read)
        }
    }

    private static func pipePair() throws(SystemError) -> (read: Int32, write: Int32) {
        var read: Int32 = -1
        var write: Int32 = -1
        try SystemError.check("create a pipe", cguest_pipe(&read, &write))
        return (read, write)
    }

    private static func setNonBlocking(_ fd: Int32) {
        _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
    }

    private static func home(_ environment: [String: String]) -> String {
        let home = environment["HOME"] ?? "/"
        return SmallFile.exists(home) ? home : "/"
    }

    private static func executable(
        _ arguments: [String],
        environment: [String: String]
    ) throws(Failure) -> String {
        guard let name = arguments.first, !name.isEmpty else {
            throw Failure(.invalidArgument, "invalid command: expected at least a program")
        }
        if name.contains("/") { return name }
        for directory in (environment["PATH"] ?? Environment.defaultPath).split(separator: ":") {
            let candidate = "\(directory)/\(name)"
            var status = stat()
            if stat(candidate, &status) == 0, status.st_mode & S_IFMT == S_IFREG, access(candidate, X_OK) == 0 {
                return candidate
            }
        }
        throw Failure(.invalidArgument, "cannot run '\(name)': no such program in PATH")
    }

    private static func failure(_ stage: Int32, number: Int32, path: String, directory: String) -> Failure {
        let reason = String(cString: strerror(number))
        switch UInt32(stage) {
        case CGUEST_STAGE_DIRECTORY.rawValue:
            return Failure(.invalidArgument, "cannot enter '\(directory)': \(reason)")
        case CGUEST_STAGE_EXECUTE.rawValue:
            return Failure(.invalidArgument, "cannot run '\(path)': \(reason)")
        case CGUEST_STAGE_USER.rawValue:
            return Failure(.invalidArgument, "cannot become the user that '\(path)' runs as: \(reason)")
        case CGUEST_STAGE_FORK.rawValue:
            return Failure(.resourceExhausted, "cannot create a process: \(reason)")
        default:
            return Failure(.internal, "cannot prepare the process of '\(path)': \(reason)")
        }
    }
}
