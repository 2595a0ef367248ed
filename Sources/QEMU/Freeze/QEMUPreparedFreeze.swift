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

    private func prepareLayers(_ request: FreezeRequest) async throws -> QEMUPreparedFreeze {
        let memory = try await qemu.openMemory()
        let status = try await memory.status()
        if case .since(let mark) = request.delta, status.mark != mark {
            throw VersError(
                .conflict,
                "memory cannot be saved since '\(mark)': the mark is '\(status.mark?.text ?? "lost")'"
            )
        }
        let below = state.withLock { $0.activeDisk }
        let directory = qemu.directory
        let confinement = qemu.configuration.machineConfinement
        let outputs = savesMemoryWhole ? request.outputs + [CopiedMemory.check(of: request)] : request.outputs
        let next = try await BlockingPool.run {
            // What the flush inside the pause need not write any more.
            try DurableFile.sync(file: below)
            let names = try HostFile.names(in: directory)
            let file = directory.appending(DiskFile.next(after: names))
            let committed = request.directory.appending(LayerFile.disk.rawValue)
            try HostFile.link(below, to: committed)
            do {
                try DiskFiles.createOverlay(file, over: committed, sizeInBytes: DiskFiles.sizeInBytes(of: below))
                try confinement?.give(file, in: directory)
                try confinement?.createOutputs(outputs, of: directory)
            } catch {
                // The first error is the one to tell.
                try? HostFile.remove(committed)
                throw error
            }
            return file
        }
        let freeze = QEMUPreparedFreeze(self, request: request, memory: memory, below: below, overlay: next)
        do {
            let layer = DiskLayer(file: next)
            _ = try await qemu.monitor.execute(
                BlockdevAdd(layer, opensBackingFile: false),
                timeout: timeouts.command
            )
        } catch {
            await freeze.removeDiskFiles()
            throw error
        }
        return freeze
    }
}

/// A freeze with its overlay open in QEMU, but not in use.
final class QEMUPreparedFreeze: PreparedFreeze {
    let machine: QEMUVirtualMachine
    let request: FreezeRequest
    let memory: any GuestMemory
    /// The active disk until the switch.
    let below: FilePath
    let overlay: FilePath
    private let settled = Mutex(false)

    init(
        _ machine: QEMUVirtualMachine,
        request: FreezeRequest,
        memory: any GuestMemory,
        below: FilePath,
        overlay: FilePath
    ) {
        self.machine = machine
        self.request = request
        self.memory = memory
        self.below = below
        self.overlay = overlay
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

    func removeOverlay() async {
        // The node is gone already when the process is.
        _ = try? await monitor.execute(
            BlockdevDel(nodeName: DiskLayer(file: overlay).nodeName),
            timeout: timeouts.command
        )
        await removeDiskFiles()
    }

    func removeDiskFiles() async {
        let files = [overlay, request.directory.appending(LayerFile.disk.rawValue)]
        // What cannot be removed is found as an orphan at the daemon's next start.
        try? await BlockingPool.run { for file in files { try HostFile.remove(file) } }
    }

    private func undo() async {
        await memory.close()
        if machine.state.withLock({ $0.activeDisk }) != overlay { await removeOverlay() }
        let leftovers = [request.deviceState, request.memoryLayer]
        // As above.
        try? await BlockingPool.run { for file in leftovers { try HostFile.remove(file) } }
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
