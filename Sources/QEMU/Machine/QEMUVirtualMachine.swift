internal import Glibc
internal import HostSystem
internal import Logging
internal import QMP
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// A machine in a QEMU of its own.
final class QEMUVirtualMachine: VirtualMachine {
    private static let slowestMiBPerSecond = 16

    let qemu: QEMUProcess
    /// Held by whatever depends on the vCPUs' state from its first to its last step.
    let execution = SerialGate(name: "another change of the machine's execution")
    /// Held by whatever depends on the disk's layers or on frozen copies of memory: from the preparation of a freeze until
    /// it is kept or abandoned.
    let layers = SerialGate(name: "an earlier freeze or disk change of the machine")
    let state: Mutex<State>
    let memoryMiB: Int

    struct State {
        var activeDisk: FilePath
        /// The size of the memory layer that was written last.
        var layerBytes = 0
        /// The id of the running block job.
        var flattening: String?
    }

    init(_ qemu: QEMUProcess, activeDisk: FilePath, memoryMiB: Int) {
        self.qemu = qemu
        self.memoryMiB = memoryMiB
        state = Mutex(State(activeDisk: activeDisk))
    }

    var process: ProcessIdentity { qemu.identity }

    var guestChannel: FilePath { qemu.directory.appending(MachineFile.guestSocket) }

    /// For a layer, which is written at memory speed into the page cache; this bounds a disk that hardly moves.
    var layerTimeout: Duration { .seconds(60 + memoryMiB / Self.slowestMiBPerSecond) }

    var timeouts: QEMUConfiguration.Timeouts { qemu.configuration.timeouts }

    func events() -> AsyncStream<VirtualMachineEvent> { qemu.events.stream }

    func executionState() async throws -> ExecutionState {
        try await describingFailures("ask for the machine's state") {
            if let reason = qemu.events.haltReason { return .halted(reason: reason) }
            let status = try await qemu.monitor.execute(QueryStatus(), timeout: timeouts.command)
            switch status.status {
            case _ where status.running: return .running
            case "guest-panicked": return .halted(reason: "the guest's kernel panicked")
            case "shutdown": return .halted(reason: "the guest powered off")
            case "internal-error": return .halted(reason: "the processor's emulation failed")
            default: return .paused
            }
        }
    }

    func pause() async throws {
        try await describingFailures("pause the machine") {
            try await execution.with(timeout: timeouts.flush) {
                _ = try await self.qemu.monitor.execute(Stop(), timeout: self.timeouts.flush)
            }
        }
    }

    func resume() async throws {
        try await describingFailures("resume the machine") {
            try await execution.with(timeout: timeouts.flush) {
                if let reason = self.qemu.events.haltReason {
                    throw VersError(.conflict, "the machine cannot run on: \(reason)")
                }
                _ = try await self.qemu.monitor.execute(Continue(), timeout: self.timeouts.command)
            }
        }
    }

    var savesMemoryWhole: Bool { qemu.memoryMode == .copy }

    func memoryMark() async throws -> CommitID? {
        try await describingFailures("ask for the memory's mark") {
            let memory = try await qemu.openMemory()
            let status = try await memory.status()
            await memory.close()
            return status.mark
        }
    }

    func mergesMemoryLayers() async throws -> Bool {
        try await describingFailures("ask how the machine's memory can be saved") {
            let memory = try await qemu.openMemory()
            let merges = try await memory.mergesLayers()
            await memory.close()
            return merges
        }
    }

    /// A layer is page cache, which counts for the machine that writes it. At its limit, a third of the time of a write went
    /// into the search for pages to free (measured: 13 of 47 ms for 200 MB).
    func makeRoom() async {
        guard let confinement = qemu.configuration.machineConfinement,
            let machine = qemu.directory.lastComponent?.string
        else { return }
        // The next may be larger.
        let bytes = min(2 * state.withLock { $0.layerBytes }, memoryMiB << 20)
        let limits = ResourceLimits(memoryMiB: memoryMiB, vcpuCount: 1)
        let pid = process.pid
        // Fails at the end of the daemon only.
        try? await BlockingPool.run { confinement.makeRoom(for: bytes, in: machine, pid: pid, limits: limits) }
    }

    func activeDisk() async throws -> FilePath { state.withLock { $0.activeDisk } }

    func requestPowerOff() async throws {
        try await describingFailures("press the power button") {
            _ = try await qemu.monitor.execute(SystemPowerdown(), timeout: timeouts.command)
        }
    }

    func terminate() async { await qemu.terminate() }

    func detach() async {
        qemu.events.detach()
        await qemu.monitor.close()
    }
}
