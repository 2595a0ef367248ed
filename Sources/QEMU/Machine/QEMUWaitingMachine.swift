internal import Glibc
internal import HostSystem
internal import QMP
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// A QEMU that waits for saved state (`-incoming defer`), on a leash: it ends when the connection to its memory library
/// does, until memory is mapped.
final class QEMUWaitingMachine: WaitingMachine {
    let qemu: QEMUProcess
    let memory: any GuestMemory
    private let memoryMiB: Int
    private let disk = Mutex<FilePath?>(nil)
    private let rehearsed = Mutex(false)
    /// The layers of its memory.
    private let mapped = Mutex<[FilePath]>([])

    private init(_ qemu: QEMUProcess, memory: any GuestMemory, memoryMiB: Int) {
        self.qemu = qemu
        self.memory = memory
        self.memoryMiB = memoryMiB
    }

    /// Takes a process that was just started; it has been ended when the call throws.
    static func leash(_ qemu: QEMUProcess, memoryMiB: Int) async throws -> QEMUWaitingMachine {
        do {
            let memory = try await qemu.openMemory()
            try await memory.leash()
            return QEMUWaitingMachine(qemu, memory: memory, memoryMiB: memoryMiB)
        } catch {
            await qemu.kill()
            await qemu.monitor.close()
            throw error
        }
    }

    var process: ProcessIdentity { qemu.identity }

    var isWaiting: Bool { qemu.handle.exit == nil }

    var hasRehearsed: Bool { rehearsed.withLock { $0 } }

    func openDisk(_ disk: FilePath) async throws {
        do {
            try await describingFailures("open the machine's disk") {
                try await insert(DiskLayer(file: disk), inPlaceOf: QEMUCommandLine.absentDiskNode)
            }
            self.disk.withLock { $0 = disk }
        } catch {
            await abandon()
            throw error
        }
    }

    func mapMemory(_ layers: [FilePath], moreFollow: Bool) async throws {
        // Memory can be mapped over what is mapped only in a process that has rehearsed.
        guard hasRehearsed || !moreFollow else { return }
        do {
            try await describingFailures("restore the machine's memory") {
                let known = mapped.withLock { $0 }
                try await allowReading(layers.starts(with: known) ? Array(layers.dropFirst(known.count)) : layers)
                let timeout = qemu.configuration.timeouts.restore
                if hasRehearsed {
                    try await memory.mapAhead(layers, timeout: timeout)
                } else {
                    try await memory.map(layers, timeout: timeout)
                }
            }
            mapped.withLock { $0 = layers }
        } catch {
            await abandon()
            throw error
        }
    }

    func restore(_ state: SavedState) async throws -> any VirtualMachine {
        do {
            guard let disk = disk.withLock({ $0 }) else {
                throw VersError(.internal, "process \(process.pid) has no disk to restore a machine with")
            }
            if mapped.withLock({ $0 }) != state.memoryLayers {
                try await mapMemory(state.memoryLayers, moreFollow: false)
            }
            let qemu = qemu.moved(to: disk.removingLastComponent())
            return try await describingFailures("restore the machine") {
                try await allowReading([state.deviceState])
                if hasRehearsed {
                    try await rewind(to: state.deviceState)
                } else {
                    await memory.close()
                    try await loadDeviceState(state.deviceState, into: qemu)
                }
                return QEMUVirtualMachine(qemu, activeDisk: disk, memoryMiB: memoryMiB)
            }
        } catch {
            await abandon()
            throw error
        }
    }

    func noteRehearsal() { rehearsed.withLock { $0 = true } }

    func abandon() async {
        await qemu.kill()
        await memory.close()
        await qemu.monitor.close()
    }

    /// Opens the disk, inactive as everything in a machine that waits, and puts it into the guest's drive. That a drive
    /// may change behind a realised device is in QEMU since 6.0 (`set_drive_helper`).
    /// - Parameter previous: a node to delete when it is not in the drive any more.
    func insert(_ layer: DiskLayer, inPlaceOf previous: String? = nil) async throws {
        if let confinement = qemu.configuration.machineConfinement {
            try await BlockingPool.run { try confinement.allowDisk(layer.file) }
        }
        let timeout = qemu.configuration.timeouts.flush
        let opened = try qemu.monitor.submit(BlockdevAdd(layer, opensBackingFile: true), timeout: timeout)
        let inserted = try qemu.monitor.submit(
            SetProperty(path: QEMUCommandLine.diskDevice, property: "drive", value: layer.nodeName),
            timeout: timeout
        )
        let deleted = try previous.map { try qemu.monitor.submit(BlockdevDel(nodeName: $0), timeout: timeout) }
        try await opened.get()
        try await inserted.get()
        try await deleted?.get()
    }

    /// Of what is opened by its name.
    func allowReading(_ files: [FilePath]) async throws {
        guard let confinement = qemu.configuration.machineConfinement else { return }
        try await BlockingPool.run { try confinement.allowReading(files) }
    }

    func delete(node: String) async throws {
        _ = try await qemu.monitor.execute(
            BlockdevDel(nodeName: node),
            timeout: qemu.configuration.timeouts.flush
        )
    }

    func loadDeviceState(_ file: FilePath, into qemu: QEMUProcess) async throws {
        let events = qemu.events.subscribe()
        try await passDeviceState(file)
        _ = try await qemu.monitor.execute(
            MigrateIncoming(uri: "fd:state"),
            timeout: qemu.configuration.timeouts.command
        )
        let status = try await withDeadline(qemu.configuration.timeouts.restore, "loading the device state") {
            for await event in events where event.name == "MIGRATION" {
                guard let status = event.data["status"]?.string else { continue }
                if status == "completed" || status == "failed" { return status }
            }
            return "ended"
        }
        guard status != "completed" else { return }
        // QEMU says what does not fit in its log only, and ends.
        let log = (try? HostFile.readEnd(qemu.directory.appending(MachineFile.log), limitInBytes: 2000)) ?? []
        let reason = String(decoding: log, as: UTF8.self).split(separator: "\n").last ?? "no reason was given"
        throw VersError(.incompatible, "the saved device state does not load: \(reason)")
    }

    private func passDeviceState(_ file: FilePath) async throws {
        let descriptor = open(file.string, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw HostError("open", file, errno: Errno(rawValue: errno)) }
        defer { close(descriptor) }
        _ = try await qemu.monitor.execute(
            GetFD(fdname: "state"),
            timeout: qemu.configuration.timeouts.command,
            passing: descriptor
        )
    }
}
