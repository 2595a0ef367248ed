internal import HostSystem
internal import Synchronization
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// Guest memory in a frozen copy, which waits to be told where to write it.
final class QEMUFrozenState: FrozenState {
    let report: FreezeReport
    private let machine: QEMUVirtualMachine
    private let memory: any GuestMemory
    private let layer: FilePath
    private let mark: CommitID
    private let copying = SerialGate(name: "the copy of the machine's memory")
    private let state = Mutex(State())

    private struct State {
        var layer: MemoryLayerReport?
        var released = false
    }

    init(
        _ machine: QEMUVirtualMachine,
        memory: any GuestMemory,
        layer: FilePath,
        mark: CommitID,
        report: FreezeReport
    ) {
        self.machine = machine
        self.memory = memory
        self.layer = layer
        self.mark = mark
        self.report = report
    }

    deinit {
        // The connection ends with this object, and with it a copy that was not kept.
        if state.withLock({ !$0.released }) { machine.layers.leave() }
    }

    func memoryLayer() async throws -> MemoryLayerReport {
        try await copying.enter(timeout: machine.layerTimeout)
        defer { copying.leave() }
        if let known = state.withLock({ $0.layer }) { return known }
        do {
            let report = try await describingFailures("save the machine's memory") { try await copy() }
            state.withLock { $0.layer = report }
            machine.state.withLock { $0.layerBytes = Int(report.bytes) }
            return report
        } catch {
            await abandon()
            throw error
        }
    }

    func keepMark() async throws {
        _ = try await memoryLayer()
        do {
            try await describingFailures("keep the memory's mark") {
                try await memory.keep(mark, timeout: machine.timeouts.command)
            }
        } catch {
            await abandon()
            throw error
        }
        await release()
    }

    func abandon() async { await release() }

    private func copy() async throws -> MemoryLayerReport {
        let file = layer
        do {
            let report = try await memory.copy(to: file, timeout: machine.layerTimeout)
            await machine.takeBack(file)
            return report
        } catch {
            // Half a layer is worth nothing; what cannot be removed goes with the commit's directory.
            try? await BlockingPool.run { try HostFile.remove(file) }
            throw error
        }
    }

    private func release() async {
        let first = state.withLock { state in
            defer { state.released = true }
            return !state.released
        }
        guard first else { return }
        await memory.close()
        machine.layers.leave()
    }
}
