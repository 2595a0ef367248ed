import Foundation
import Glibc
import GuestConnection
import HostSystem
import Logging
import QMP
import SystemPackage
import VersAPI
import VersCore

/// A VM of stock QEMU, which is branched the way that needs nothing but QEMU: all of its state goes to a file.
final class StockMachine: Sendable {
    private static let startTimeout: Duration = .seconds(30)
    /// 4 GiB to a slow disk.
    private static let migrationTimeout: Duration = .seconds(300)
    private static let guestTimeout: Duration = .seconds(180)

    let directory: FilePath
    private let handle: ProcessHandle
    private let monitor: QMPClient
    private let migrations: AsyncStream<String>

    private init(directory: FilePath, handle: ProcessHandle, monitor: QMPClient, migrations: AsyncStream<String>) {
        self.directory = directory
        self.handle = handle
        self.monitor = monitor
        self.migrations = migrations
    }

    /// Starts QEMU in `directory`, which exists and holds the disk. On failure it is ended.
    static func start(_ commandLine: StockCommandLine, in directory: FilePath) async throws -> StockMachine {
        let handle = try await BlockingPool.run { try spawn(commandLine, in: directory) }
        do {
            let (migrations, continuation) = AsyncStream<String>.makeStream()
            let monitor = try await QMPClient.connect(
                socket: try UnixSocket.connect(to: directory.appending("qmp.sock")),
                deadline: .now + startTimeout,
                logger: logger,
                onEvent: { event in
                    guard event.name == "MIGRATION", let status = event.data["status"]?.string else { return }
                    continuation.yield(status)
                },
                onClose: { continuation.finish() }
            )
            return StockMachine(directory: directory, handle: handle, monitor: monitor, migrations: migrations)
        } catch {
            // The error that matters is already on its way.
            try? handle.signal(SIGKILL)
            _ = await handle.waitForExit()
            throw error
        }
    }

    /// Connects to the guest's agent.
    func guest() async throws -> any GuestSession {
        try await AgentConnector(logger: Self.logger).connect(
            to: directory.appending("agent.sock"),
            of: MachineID(),
            deadline: .now + Self.guestTimeout
        )
    }

    /// The same for a guest that has just booted: its services have started, and it has `program` at ``GuestProgram/path``.
    func guest(with program: GuestProgram) async throws -> any GuestSession {
        let session = try await guest()
        try await session.waitUntilSettled(deadline: .now + Self.guestTimeout)
        try await session.writeFile(GuestProgram.path, bytes: program.bytes, mode: 0o755, createDirectories: false)
        return session
    }

    /// Stops, gives the guest a new disk overlay `disk` on top of node `below`, saves everything to `file`, and runs on.
    /// - Returns: the pause.
    func save(to file: FilePath, switchingFrom below: String, to disk: String) async throws -> Duration {
        try await monitor.execute(MigrateSetParameters(maximumBandwidth: 1 << 40))
        let state = try FileDescriptor.open(
            file,
            .writeOnly,
            options: [.create, .truncate, .closeOnExec],
            permissions: .ownerReadWrite
        )
        let start = ContinuousClock.now
        do {
            try await monitor.execute(Stop(), timeout: Self.migrationTimeout)
            try await monitor.execute(BlockdevSnapshotSync(nodeName: below, file: disk, overlayNodeName: disk))
            try await monitor.execute(GetFD(fdname: "state"), passing: state.rawValue)
            try await monitor.execute(Migrate(uri: "fd:state"))
            try await waitForMigration()
            try await runOn()
        } catch {
            try state.close()
            throw error
        }
        let pause = ContinuousClock.now - start
        try state.close()
        return pause
    }

    /// Loads what was saved, and runs.
    func load(from file: FilePath) async throws {
        let state = try FileDescriptor.open(file, .readOnly, options: .closeOnExec)
        do {
            try await monitor.execute(GetFD(fdname: "state"), passing: state.rawValue)
            try await monitor.execute(MigrateIncoming(uri: "fd:state"))
            try await waitForMigration()
            try await monitor.execute(Continue())
        } catch {
            try state.close()
            throw error
        }
        try state.close()
    }

    /// Ends it. Returns when it is gone.
    func terminate() async {
        // Fails only for a process that is not ours.
        try? handle.signal(SIGKILL)
        _ = await handle.waitForExit()
        await monitor.close()
    }

    /// QEMU reports the end of a migration a moment before its source may run on, and the latter by no event.
    private func runOn() async throws {
        let deadline = ContinuousClock.now + Self.startTimeout
        while true {
            do {
                try await monitor.execute(Continue())
                return
            } catch QMPError.refused where ContinuousClock.now < deadline {
                try await Task.sleep(for: .milliseconds(1), clock: .continuous)
            }
        }
    }

    private func waitForMigration() async throws {
        let migrations = migrations
        let status = try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                for await status in migrations where ["completed", "failed"].contains(status) { return status }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: Self.migrationTimeout, clock: .continuous)
                throw VersError(.timedOut, "the migration did not end within \(Self.migrationTimeout)")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard status == "completed" else {
            throw VersError(.internal, "the migration ended as '\(status ?? "QEMU's connection")'")
        }
    }

    private static func spawn(_ commandLine: StockCommandLine, in directory: FilePath) throws -> ProcessHandle {
        let monitor = try UnixSocket.listen(at: directory.appending("qmp.sock"))
        defer { close(monitor) }
        let agent = try UnixSocket.listen(at: directory.appending("agent.sock"))
        defer { close(agent) }
        return try DetachedProcess(
            executable: StockCommandLine.executable,
            arguments: commandLine.arguments,
            environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"],
            workingDirectory: directory,
            output: directory.appending("qemu.log"),
            inheritedDescriptors: [monitor, agent]
        ).start()
    }

    private static var logger: Logger {
        var logger = Logger(label: "stock")
        logger.logLevel = .error
        return logger
    }
}
