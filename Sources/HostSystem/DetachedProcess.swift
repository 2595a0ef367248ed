internal import CHost
internal import Glibc
public import SystemPackage

/// Starts programs that outlive this one.
public struct DetachedProcess: Sendable {
    public var executable: FilePath
    public var arguments: [String]
    /// The whole environment; nothing is inherited.
    public var environment: [String: String]
    public var workingDirectory: FilePath
    /// Receives stdout and stderr, appended. Created with mode 0600.
    public var output: FilePath
    /// Become the descriptors 3, 4 and so on of the new process. They stay the caller's.
    public var inheritedDescriptors: [Int32]

    public init(
        executable: FilePath,
        arguments: [String],
        environment: [String: String],
        workingDirectory: FilePath,
        output: FilePath,
        inheritedDescriptors: [Int32] = []
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.output = output
        self.inheritedDescriptors = inheritedDescriptors
    }

    /// Starts it in a session of its own, with no inherited descriptor, signal mask or handler.
    /// - Throws: ``HostError`` when the program cannot be started.
    public func start() throws -> ProcessHandle {
        let log = open(output.string, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard log >= 0 else { throw HostError("open", output, errno: Errno(rawValue: errno)) }
        defer { close(log) }
        let inherited = try duplicateHigh(inheritedDescriptors)
        defer { for descriptor in inherited { close(descriptor) } }
        var pid: pid_t = 0
        let error = spawn(&pid, output: log, inherited: inherited)
        guard error == 0 else { throw HostError("start", executable, errno: Errno(rawValue: error)) }
        // Not reaped before the handle's monitor does it, so the pid is still this process's.
        return try ProcessHandle(pid: pid)
    }

    /// Out of the way of the numbers they get in the new process.
    private func duplicateHigh(_ descriptors: [Int32]) throws -> [Int32] {
        var duplicates: [Int32] = []
        for descriptor in descriptors {
            let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 64)
            guard duplicate >= 0 else {
                let error = Errno(rawValue: errno)
                for duplicate in duplicates { close(duplicate) }
                throw HostError("duplicate a descriptor for", executable, errno: error)
            }
            duplicates.append(duplicate)
        }
        return duplicates
    }

    private func spawn(_ pid: inout pid_t, output: Int32, inherited: [Int32]) -> Int32 {
        withCStringArray([executable.string] + arguments) { arguments in
            withCStringArray(environment.map { "\($0.key)=\($0.value)" }) { environment in
                executable.string.withCString { executable in
                    workingDirectory.string.withCString { directory in
                        inherited.withUnsafeBufferPointer { inherited in
                            var request = chost_spawn_request(
                                executable: executable,
                                arguments: arguments,
                                environment: environment,
                                working_directory: directory,
                                output_fd: output,
                                inherited: inherited.baseAddress,
                                inherited_count: inherited.count
                            )
                            return chost_spawn(&request, &pid)
                        }
                    }
                }
            }
        }
    }

    private func withCStringArray<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { buffer in
            // The array ends with nil, so it has a base address.
            body(buffer.baseAddress.unsafelyUnwrapped)
        }
    }
}
