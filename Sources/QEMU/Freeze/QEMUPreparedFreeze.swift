internal import HostSystem
internal import QMP
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

extension QEMUVirtualMachine {
    func prepareFreeze(_ request: FreezeRequest) async throws -> any PreparedFreeze {
        await cancelFlattening()
        try await layers.enter(timeout: timeouts.earlierFreeze)
        do {
            return try await describingFailures("prepare a branch of the machine") {
                try await prepareLayers(request)
            }
        } catch {
            layers.leave()
            throw error
        }
    }

    /// The disk's side and the memory's, which has the layer written, at the same time.
    private func prepareLayers(_ request: FreezeRequest) async throws -> QEMUPreparedFreeze {
        let memory = try await qemu.openMemory()
        let status = try await memory.status()
        if case .since(let mark) = request.delta, status.mark != mark {
            throw VersError(
                .conflict,
                "memory cannot be saved since '\(mark)': the mark is '\(status.mark?.text ?? "lost")'"
            )
        }
        try await createOutputs(of: request)
        do {
            async let armed = memory.arm(request, timeout: layerTimeout)
            let disk: PreparedDisk
            do {
                disk = try await prepareDisk(request)
            } catch {
                // Nobody waits for the layer, then.
                await memory.close()
                throw error
            }
            do {
                return QEMUPreparedFreeze(self, request: request, memory: memory, disk: disk, ahead: try await armed)
            } catch {
                await disk.remove(from: qemu.monitor, timeout: timeouts.command)
                throw error
            }
        } catch {
            await memory.close()
            await removeOutputs(of: request)
            throw error
        }
    }

    /// Where the machine cannot make files itself.
    private func createOutputs(of request: FreezeRequest) async throws {
        guard let confinement = qemu.configuration.machineConfinement else { return }
        let directory = qemu.directory
        let outputs = savesMemoryWhole ? request.outputs + [CopiedMemory.check(of: request)] : request.outputs
        try await BlockingPool.run { try confinement.createOutputs(outputs, of: directory) }
    }

    /// Half a layer is worth nothing. What cannot be removed goes with the commit's directory.
    func removeOutputs(of request: FreezeRequest) async {
        try? await BlockingPool.run { for file in request.outputs { try? HostFile.remove(file) } }
    }

    private func prepareDisk(_ request: FreezeRequest) async throws -> PreparedDisk {
        let below = state.withLock { $0.activeDisk }
        let directory = qemu.directory
        let confinement = qemu.configuration.machineConfinement
        let disk = try await BlockingPool.run {
            // What the flush inside the pause need not write any more.
            try DurableFile.sync(file: below)
            let names = try HostFile.names(in: directory)
            let disk = PreparedDisk(
                below: below,
                overlay: directory.appending(DiskFile.next(after: names)),
                committed: request.directory.appending(LayerFile.disk.rawValue)
            )
            try HostFile.link(below, to: disk.committed)
            do {
                let size = try DiskFiles.sizeInBytes(of: below)
                try DiskFiles.createOverlay(disk.overlay, over: disk.committed, sizeInBytes: size)
                try confinement?.give(disk.overlay, in: directory)
            } catch {
                // The first error is the one to tell.
                try? HostFile.remove(disk.committed)
                throw error
            }
            return disk
        }
        do {
            let layer = DiskLayer(file: disk.overlay)
            _ = try await qemu.monitor.execute(
                BlockdevAdd(layer, opensBackingFile: false),
                timeout: timeouts.command
            )
        } catch {
            await disk.removeFiles()
            throw error
        }
        return disk
    }
}

/// The disk of a freeze before the pause: the new overlay is open in QEMU, but not in use.
struct PreparedDisk: Sendable {
    /// The active disk until the switch.
    let below: FilePath
    let overlay: FilePath
    /// The commit's name for what is below.
    let committed: FilePath

    func remove(from monitor: QMPClient, timeout: Duration) async {
        // The node is gone already when the process is.
        _ = try? await monitor.execute(BlockdevDel(nodeName: DiskLayer(file: overlay).nodeName), timeout: timeout)
        await removeFiles()
    }

    func removeFiles() async {
        let files = [overlay, committed]
        // What cannot be removed is found as an orphan at the daemon's next start.
        try? await BlockingPool.run { for file in files { try? HostFile.remove(file) } }
    }
}

/// A freeze whose memory layer is written as far as it can be while the guest runs.
final class QEMUPreparedFreeze: PreparedFreeze {
    let machine: QEMUVirtualMachine
    let request: FreezeRequest
    let memory: any GuestMemory
    let disk: PreparedDisk
    let ahead: MemoryAheadReport?
    private let settled = Mutex(false)

    init(
        _ machine: QEMUVirtualMachine,
        request: FreezeRequest,
        memory: any GuestMemory,
        disk: PreparedDisk,
        ahead: MemoryAheadReport?
    ) {
        self.machine = machine
        self.request = request
        self.memory = memory
        self.disk = disk
        self.ahead = ahead
    }

    var monitor: QMPClient { machine.qemu.monitor }

    var timeouts: QEMUConfiguration.Timeouts { machine.timeouts }

    func execute(leavePaused: Bool) async throws -> any FrozenState {
        guard settle() else { throw VersError(.internal, "this freeze was executed or abandoned before") }
        do {
            return try await describingFailures("branch the machine") {
                try await machine.execution.with(timeout: timeouts.flush) {
                    try await self.freeze(leavePaused: leavePaused)
                }
            }
        } catch {
            await undo()
            throw error
        }
    }

    func abandon() async {
        guard settle() else { return }
        await undo()
    }

    func removeOverlay() async { await disk.remove(from: monitor, timeout: timeouts.command) }

    private func undo() async {
        await memory.close()
        if machine.state.withLock({ $0.activeDisk }) != disk.overlay { await removeOverlay() }
        await machine.removeOutputs(of: request)
        machine.layers.leave()
    }

    /// True for the first caller.
    private func settle() -> Bool {
        settled.withLock { settled in
            defer { settled = true }
            return !settled
        }
    }
}
