internal import Glibc
internal import HostSystem
internal import Logging
internal import QMP
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// A running QEMU with its monitor.
final class QEMUProcess: Sendable {
    let identity: ProcessIdentity
    let directory: FilePath
    let memoryMode: MemoryMode
    let handle: ProcessHandle
    /// Of one that was started to wait, where nothing in the process watches over it.
    private let leash: ProcessLeash?
    let monitor: QMPClient
    let events: MonitorEvents
    let configuration: QEMUConfiguration
    let logger: Logger

    private init(
        identity: ProcessIdentity,
        directory: FilePath,
        memoryMode: MemoryMode,
        handle: ProcessHandle,
        leash: ProcessLeash?,
        monitor: QMPClient,
        events: MonitorEvents,
        configuration: QEMUConfiguration,
        logger: Logger
    ) {
        self.identity = identity
        self.directory = directory
        self.memoryMode = memoryMode
        self.handle = handle
        self.leash = leash
        self.monitor = monitor
        self.events = events
        self.configuration = configuration
        self.logger = logger
    }

    func openMemory() async throws -> any GuestMemory {
        switch memoryMode {
        case .layers: try await MemoryConnection.connect(to: MachineFile.path(MachineFile.ramSocket, in: directory))
        case .copy: try await CopiedMemory.open(directory.appending(MachineFile.ram), of: handle, leash: leash)
        }
    }

    /// Starts a QEMU and waits until it answers. On failure nothing is left but its log.
    static func launch(
        _ commandLine: QEMUCommandLine,
        library: MemoryLibrary?,
        configuration: QEMUConfiguration,
        logger: Logger
    ) async throws -> QEMUProcess {
        // A task of its own: were it cancelled in between, nobody would know of the process.
        let leash = commandLine.memoryMode == .copy && commandLine.waits ? try ProcessLeash() : nil
        let handle = try await Task {
            try await BlockingPool.run {
                try spawn(commandLine, library: library, leash: leash, configuration: configuration)
            }
        }.value
        do {
            let identity = try ProcessIdentity(running: handle.pid)
            let process = try await connect(
                handle,
                identity: identity,
                directory: commandLine.directory,
                memoryMode: commandLine.memoryMode,
                leash: leash,
                configuration: configuration,
                logger: logger
            )
            let memory = try await process.openMemory()
            let status = try await memory.status()
            await memory.close()
            guard status.bytes == UInt64(commandLine.memoryMiB) << 20 else {
                throw VersError(
                    .internal,
                    "guest memory has \(status.bytes) bytes: expected \(commandLine.memoryMiB) MiB"
                )
            }
            return process
        } catch {
            try? handle.signal(SIGKILL)
            let exit = await handle.waitForExit(timeout: configuration.timeouts.quit)
            await configuration.machineConfinement?.end(commandLine.machineID.text, pid: handle.pid)
            throw startFailure(error, exit: exit, directory: commandLine.directory)
        }
    }

    /// Takes over a running one. Nil when it runs no longer.
    static func adopt(
        _ identity: ProcessIdentity,
        directory: FilePath,
        configuration: QEMUConfiguration,
        logger: Logger
    ) async throws -> QEMUProcess? {
        // The descriptor is taken first: from then on the pid cannot be another's unnoticed.
        let handle: ProcessHandle
        do {
            handle = try ProcessHandle(pid: identity.pid)
        } catch let error as HostError where error.errno == .noSuchProcess {
            return nil
        }
        guard try ProcessIdentity.current(of: identity.pid) == identity,
            let arguments = ProcessTable.arguments(of: identity.pid)
        else { return nil }
        if let confinement = configuration.machineConfinement {
            try await BlockingPool.run { confinement.adopt(identity.pid, in: directory) }
        }
        return try await connect(
            handle,
            identity: identity,
            directory: directory,
            // As it was started, which need not be as this daemon starts others.
            memoryMode: QEMUCommandLine.memoryMode(ofArguments: arguments),
            configuration: configuration,
            logger: logger
        )
    }

    /// The same process, whose directory was given another name.
    func moved(to directory: FilePath) -> QEMUProcess {
        QEMUProcess(
            identity: identity,
            directory: directory,
            memoryMode: memoryMode,
            handle: handle,
            leash: leash,
            monitor: monitor,
            events: events,
            configuration: configuration,
            logger: logger
        )
    }

    /// Asks, then kills. Returns when it is gone.
    func terminate() async {
        if handle.exit == nil {
            // A monitor that does not answer is what the kill is for.
            _ = try? await monitor.execute(Quit(), timeout: configuration.timeouts.quit)
            if await handle.waitForExit(timeout: configuration.timeouts.quit) == nil { await kill() }
        }
        await monitor.close()
        await endGroup()
        await removeMemory()
    }

    /// Whatever is left of it.
    private func endGroup() async {
        guard handle.exit != nil else { return }
        await configuration.machineConfinement?.end(machine, pid: handle.pid)
    }

    /// The machine's id: its directory bears it, whatever that lies in.
    private var machine: String { directory.lastComponent?.string ?? "" }

    /// The memory of a guest that has ended takes room on the disk where it is a file.
    private func removeMemory() async {
        guard memoryMode == .copy, handle.exit != nil else { return }
        let file = directory.appending(MachineFile.ram)
        // It goes with the machine's directory, or is replaced at the next start.
        try? await BlockingPool.run { try HostFile.remove(file) }
    }

    /// Ends it without asking. Returns when it is gone.
    func kill() async {
        do {
            try handle.signal(SIGKILL)
        } catch {
            logger.error("cannot end a monitor process", metadata: ["pid": "\(handle.pid)", "error": "\(error)"])
            return
        }
        _ = await handle.waitForExit()
        await endGroup()
    }

    private static func connect(
        _ handle: ProcessHandle,
        identity: ProcessIdentity,
        directory: FilePath,
        memoryMode: MemoryMode,
        leash: ProcessLeash? = nil,
        configuration: QEMUConfiguration,
        logger: Logger
    ) async throws -> QEMUProcess {
        let events = MonitorEvents()
        let confinement = configuration.machineConfinement
        handle.onExit { exit in
            events.processExited(exit)
            guard let confinement, let machine = directory.lastComponent?.string else { return }
            // Owned by nobody: frozen copies end by themselves, and a later daemon looks for what is left.
            Task { await confinement.release(machine, pid: handle.pid) }
        }
        let socket = try UnixSocket.connect(to: directory.appending(MachineFile.monitorSocket))
        let monitor = try await QMPClient.connect(
            socket: socket,
            deadline: .now.advanced(by: configuration.timeouts.start),
            logger: logger,
            onEvent: { events.receive($0) },
            onClose: { events.monitorClosed() }
        )
        return QEMUProcess(
            identity: identity,
            directory: directory,
            memoryMode: memoryMode,
            handle: handle,
            leash: leash,
            monitor: monitor,
            events: events,
            configuration: configuration,
            logger: logger
        )
    }

    private static func spawn(
        _ commandLine: QEMUCommandLine,
        library: MemoryLibrary?,
        leash: ProcessLeash?,
        configuration: QEMUConfiguration
    ) throws -> ProcessHandle {
        let directory = commandLine.directory
        let confinement = configuration.machineConfinement
        let user = try confinement?.prepare(directory)
        if case .boot(let machine) = commandLine.start {
            try confinement?.allowReading([machine.kernel, machine.initramfs])
            try confinement?.allowDisk(machine.activeDisk)
        }
        let memory = directory.appending(MachineFile.ram)
        // A file that an earlier process used has that guest's memory in it.
        try HostFile.remove(memory)
        try HostFile.createSparse(memory, sizeInBytes: UInt64(commandLine.memoryMiB) << 20)
        try confinement?.give(memory, in: directory)
        try HostFile.remove(MachineFile.path(MachineFile.ramSocket, in: directory))
        var descriptors: [Int32] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        // In the order of InheritedDescriptor. The sockets listen before QEMU runs, so that there is no moment at which
        // it runs and cannot be reached.
        descriptors.append(try UnixSocket.listen(at: directory.appending(MachineFile.monitorSocket)))
        descriptors.append(try UnixSocket.listen(at: directory.appending(MachineFile.guestSocket)))
        let library = commandLine.memoryMode == .layers ? library : nil
        let tap = commandLine.tap
        // The TAP device under its own number, and under those before it that nothing else takes.
        let place = Int(InheritedDescriptor.tap.rawValue - InheritedDescriptor.monitor.rawValue)
        let own = descriptors + [library?.descriptor ?? leash?.inherited].compactMap(\.self)
        let inherited = own + (tap.map { Array(repeating: $0.descriptor, count: place + 1 - own.count) } ?? [])
        var process = DetachedProcess(
            executable: configuration.executable,
            arguments: commandLine.arguments,
            environment: environment(commandLine, configuration.memory),
            workingDirectory: directory,
            output: directory.appending(MachineFile.log),
            inheritedDescriptors: inherited
        )
        if let confinement, let user {
            (process.executable, process.arguments) = confinement.command(
                process.executable,
                process.arguments,
                environment: process.environment,
                as: user,
                usesKVM: commandLine.accelerator == "kvm"
            )
            process.environment = [:]
        }
        let handle = try withExtendedLifetime((tap, library)) { try process.start() }
        let limits = ResourceLimits(memoryMiB: commandLine.memoryMiB, vcpuCount: commandLine.vcpuCount)
        if let user { confinement?.note(handle.pid, as: user, in: directory) }
        confinement?.limit(handle.pid, of: commandLine.machineID.text, limits)
        // A service manager may have told the kernel to spare the daemon when memory runs out, which it inherits.
        try? HostFile.overwrite(FilePath("/proc/\(handle.pid)/oom_score_adj"), with: "0")
        return handle
    }

    private static func environment(_ commandLine: QEMUCommandLine, _ memory: MemoryPreference) -> [String: String] {
        let common = ["PATH": "/usr/bin:/bin", "LC_ALL": "C"]
        guard commandLine.memoryMode == .layers else { return common }
        let isConfined = commandLine.isConfined
        let library = [
            // Through a descriptor: the path itself may hold blanks or colons, which separate libraries here.
            "LD_PRELOAD": "/proc/self/fd/\(InheritedDescriptor.memoryLibrary.rawValue)",
            "VERS_RAM_FILE": MachineFile.ram,
            "VERS_RAM_SOCKET": MachineFile.name(MachineFile.ramSocket, isConfined: isConfined),
            "VERS_RAM_TRACKING": memory == .forks ? "off" : "on",
            "VERS_CONSOLE": MachineFile.name(MachineFile.console, isConfined: isConfined),
        ]
        return common.merging(library) { $1 }
    }

    private static func startFailure(_ error: any Error, exit: ProcessExit?, directory: FilePath) -> VersError {
        let log = directory.appending(MachineFile.log)
        let end = (try? HostFile.readEnd(log, limitInBytes: 2000)) ?? []
        let lastLine = String(decoding: end, as: UTF8.self).split(separator: "\n").last.map { ": \($0)" } ?? ""
        let failure = VersError.hypervisor("start the machine", error)
        guard let exit, exit != .signalled(SIGKILL) else { return failure }
        return VersError(
            .internal,
            "the machine's QEMU ended at its start with \(exit)\(lastLine)",
            hint: "its log is \(log)",
            cause: error
        )
    }
}
