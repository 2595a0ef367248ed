import Foundation
import Synchronization
import SystemPackage
import VersAPI

@testable import VersCore

/// A machine of ``ScriptedHypervisor``.
final class ScriptedMachine: VirtualMachine {
    struct State {
        var isPaused = false
        var isAlive = true
        var mark: CommitID?
        /// False for a process that an earlier release started.
        var mergesMemory = true
        var disk: FilePath
        var events: [AsyncStream<VirtualMachineEvent>.Continuation] = []
    }

    let hypervisor: ScriptedHypervisor
    let directory: FilePath
    let process: ProcessIdentity
    let state: Mutex<State>

    var guestChannel: FilePath { directory.appending("agent.sock") }
    var isAlive: Bool { state.withLock { $0.isAlive } }
    var isPaused: Bool { state.withLock { $0.isPaused } }

    init(hypervisor: ScriptedHypervisor, directory: FilePath, disk: FilePath, process: ProcessIdentity) {
        self.hypervisor = hypervisor
        self.directory = directory
        self.process = process
        state = Mutex(State(disk: disk))
    }

    /// The same machine for another daemon.
    func reattached() -> ScriptedMachine { self }

    /// Reports something, as the process would.
    func report(_ event: VirtualMachineEvent) {
        let events = state.withLock { state in
            if case .exited = event { state.isAlive = false }
            return state.events
        }
        for continuation in events {
            continuation.yield(event)
            if case .exited = event { continuation.finish() }
        }
    }

    func events() -> AsyncStream<VirtualMachineEvent> {
        let (stream, continuation) = AsyncStream.makeStream(of: VirtualMachineEvent.self)
        state.withLock { $0.events.append(continuation) }
        return stream
    }

    func executionState() async throws -> ExecutionState {
        state.withLock { $0.isPaused ? .paused : .running }
    }

    func pause() async throws { state.withLock { $0.isPaused = true } }
    func resume() async throws { state.withLock { $0.isPaused = false } }
    var savesMemoryWhole: Bool { false }
    func mergesMemoryLayers() async throws -> Bool { state.withLock { $0.mergesMemory } }
    func makeRoom() async {}
    func memoryMark() async throws -> CommitID? { state.withLock { $0.mark } }
    func activeDisk() async throws -> FilePath { state.withLock { $0.disk } }
    func growDisk(toMiB sizeMiB: Int) async throws {}
    func flattenDisk(downTo base: FilePath) async throws {}
    func requestPowerOff() async throws {}

    func terminate() async {
        guard isAlive else { return }
        report(.exited(status: "terminated"))
    }

    func detach() async { for events in state.withLock({ $0.events }) { events.finish() } }

    func prepareFreeze(_ request: FreezeRequest) async throws -> any PreparedFreeze {
        try hypervisor.passed(.prepareFreeze)
        let next = try hypervisor.makeDisk(in: directory, over: request.directory.appending("disk.qcow2"))
        return ScriptedFreeze(machine: self, request: request, nextDisk: next)
    }
}

private struct ScriptedFreeze: PreparedFreeze {
    let machine: ScriptedMachine
    let request: FreezeRequest
    let nextDisk: FilePath

    func execute(leavePaused: Bool) async throws -> any FrozenState {
        do {
            try machine.hypervisor.passed(.execute)
        } catch {
            await abandon()
            throw error
        }
        let directory = request.directory
        try "memory".write(toFile: directory.appending("memory.layer").string, atomically: false, encoding: .utf8)
        try "devices".write(toFile: directory.appending("device.state").string, atomically: false, encoding: .utf8)
        let old = machine.state.withLock { state in
            defer {
                state.disk = nextDisk
                if leavePaused { state.isPaused = true }
            }
            return state.disk
        }
        try FileManager.default.moveItem(atPath: old.string, toPath: directory.appending("disk.qcow2").string)
        let report = FreezeReport(pause: .milliseconds(1), steps: [], diskSwitched: true, activeDisk: nextDisk)
        return ScriptedFrozen(machine: machine, mark: request.mark, report: report)
    }

    /// The overlay that was prepared goes: nothing to report when it is gone already.
    func abandon() async { try? FileManager.default.removeItem(atPath: nextDisk.string) }
}

private struct ScriptedFrozen: FrozenState {
    let machine: ScriptedMachine
    let mark: CommitID
    let report: FreezeReport

    func memoryLayer() async throws -> MemoryLayerReport {
        try machine.hypervisor.passed(.memoryLayer)
        return MemoryLayerReport(bytes: 6, extents: 1, duration: .milliseconds(1))
    }

    func keepMark() async throws {
        try machine.hypervisor.passed(.keepMark)
        machine.state.withLock { $0.mark = mark }
    }

    func abandon() async {}
}
