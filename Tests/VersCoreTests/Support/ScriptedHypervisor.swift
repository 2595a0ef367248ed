import Foundation
import Synchronization
import SystemPackage
import VersAPI

@testable import VersCore

/// A hypervisor without virtual machines: it makes the files that a real one makes, notes what it is asked, and fails
/// where a test wants it to.
final class ScriptedHypervisor: Hypervisor {
    enum Call: Hashable {
        case createDisk
        case boot
        case startWaiting
        case prepareFreeze
        case execute
        case memoryLayer
        case keepMark
        case openDisk
        case mapMemory
        case restore
        case rehearse
        case adopt
    }

    private struct State {
        var failures: [Call: [Int]] = [:]
        var counts: [Call: Int] = [:]
        var machines: [MachineID: ScriptedMachine] = [:]
        var launched: [LaunchConfiguration] = []
        var waiting: Set<MachineID> = []
        var nextPID: Int32 = 1000
    }

    private let state = Mutex(State())
    let accelerator = AcceleratorChoice(name: "tcg", reason: "scripted")
    let compatibility = HypervisorCompatibility(
        hypervisor: "scripted",
        version: "1",
        machineType: "m",
        accelerator: "tcg",
        cpuModel: "c",
        deviceSet: "1"
    )

    // MARK: For tests

    /// Lets the `number`-th call of that kind from now on fail; the first is 1.
    func fail(_ call: Call, number: Int = 1) {
        state.withLock { $0.failures[call, default: []].append($0.counts[call, default: 0] + number) }
    }

    func count(of call: Call) -> Int { state.withLock { $0.counts[call, default: 0] } }

    /// Machines with a process, waiting ones included.
    var processes: Set<MachineID> {
        state.withLock { state in
            state.waiting.union(state.machines.filter { $0.value.isAlive }.map(\.key))
        }
    }

    /// Those that wait for saved state.
    var waitingProcesses: Set<MachineID> { state.withLock { $0.waiting } }

    /// Ends a process that waits, as a crash would.
    func endWaiting(_ id: MachineID) { abandoned(id) }

    func machine(_ id: MachineID) -> ScriptedMachine? { state.withLock { $0.machines[id] } }

    /// What every process that boots was started with, in order.
    var launched: [LaunchConfiguration] { state.withLock { $0.launched } }

    func passed(_ call: Call) throws {
        let fails = state.withLock { state in
            state.counts[call, default: 0] += 1
            let number = state.counts[call, default: 0]
            return state.failures[call, default: []].contains(number)
        }
        if fails { throw VersError(.unavailable, "scripted failure of \(call)") }
    }

    fileprivate func became(_ machine: ScriptedMachine, of id: MachineID) {
        state.withLock { state in
            state.waiting.remove(id)
            state.machines[id] = machine
        }
    }

    fileprivate func abandoned(_ id: MachineID) { state.withLock { _ = $0.waiting.remove(id) } }

    // MARK: Hypervisor

    func createDisk(in directory: FilePath, over base: FilePath, sizeMiB: Int) async throws -> FilePath {
        try passed(.createDisk)
        return try makeDisk(in: directory, over: base)
    }

    func diskSizeMiB(of disk: FilePath) async throws -> Int { 64 }

    func growInactiveDisk(_ disk: FilePath, toMiB sizeMiB: Int) async throws {}

    func newestDisk(in directory: FilePath) async throws -> FilePath? {
        try FileManager.default.contentsOfDirectory(atPath: directory.string)
            .filter { $0.hasPrefix("disk-") }.max().map { directory.appending($0) }
    }

    func removeLeftovers(in directory: FilePath, activeDisk: FilePath) async throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: directory.string)
        where name.hasPrefix("disk-") && name != activeDisk.lastComponent?.string {
            try FileManager.default.removeItem(atPath: directory.appending(name).string)
        }
    }

    /// A scripted disk's content is the path underneath.
    func backingChain(of disk: FilePath) async throws -> [FilePath] {
        var chain: [FilePath] = []
        var file = disk
        while let text = try? String(contentsOfFile: file.string, encoding: .utf8), text.hasPrefix("/") {
            file = FilePath(text)
            chain.append(file)
        }
        return chain
    }

    func boot(_ configuration: LaunchConfiguration) async throws -> any VirtualMachine {
        try passed(.boot)
        state.withLock { $0.launched.append(configuration) }
        let machine = ScriptedMachine(
            hypervisor: self,
            directory: configuration.directory,
            disk: configuration.activeDisk,
            process: newProcess()
        )
        became(machine, of: configuration.machineID)
        return machine
    }

    func startWaiting(_ configuration: WaitingConfiguration) async throws -> any WaitingMachine {
        try passed(.startWaiting)
        let process = newProcess()
        state.withLock { _ = $0.waiting.insert(configuration.machineID) }
        return ScriptedWaiting(hypervisor: self, process: process, configuration: configuration)
    }

    var canRehearse: Bool { true }

    func guestChannel(in directory: FilePath) -> FilePath { directory.appending("agent.sock") }

    func adopt(_ process: ProcessIdentity, directory: FilePath) async throws -> (any VirtualMachine)? {
        try passed(.adopt)
        return state.withLock { state in
            state.machines.values.first { $0.process == process && $0.isAlive }?.reattached()
        }
    }

    func terminateStrays(below root: FilePath, keeping: Set<Int32>) async {
        let strays = state.withLock { state in
            state.waiting = []
            return state.machines.values.filter { machine in
                !keeping.contains(machine.process.pid) && machine.directory.starts(with: root)
            }
        }
        for machine in strays { await machine.terminate() }
    }

    private func newProcess() -> ProcessIdentity {
        let pid = state.withLock { state in
            state.nextPID += 1
            return state.nextPID
        }
        return ProcessIdentity(pid: pid, startTimeTicks: 1, hostBootID: "boot")
    }

    func makeDisk(in directory: FilePath, over base: FilePath) throws -> FilePath {
        let existing = try FileManager.default.contentsOfDirectory(atPath: directory.string)
        let next = (existing.compactMap { Int($0.dropFirst(5).prefix { $0.isNumber }) }.max() ?? -1) + 1
        let path = directory.appending("disk-\(next).qcow2")
        try base.string.write(toFile: path.string, atomically: false, encoding: .utf8)
        return path
    }
}

private final class ScriptedWaiting: WaitingMachine {
    let hypervisor: ScriptedHypervisor
    let process: ProcessIdentity
    let configuration: WaitingConfiguration
    private let disk = Mutex<FilePath?>(nil)
    private let rehearsed = Mutex(false)
    private var id: MachineID { configuration.machineID }
    var isWaiting: Bool { hypervisor.processes.contains(id) }

    init(hypervisor: ScriptedHypervisor, process: ProcessIdentity, configuration: WaitingConfiguration) {
        self.hypervisor = hypervisor
        self.process = process
        self.configuration = configuration
    }

    func openDisk(_ disk: FilePath) async throws {
        do {
            try hypervisor.passed(.openDisk)
            guard FileManager.default.fileExists(atPath: disk.string) else {
                throw VersError(.internal, "\(disk) is missing")
            }
        } catch {
            hypervisor.abandoned(id)
            throw error
        }
        self.disk.withLock { $0 = disk }
    }

    func mapMemory(_ layers: [FilePath], moreFollow: Bool) async throws {
        do {
            try hypervisor.passed(.mapMemory)
            for file in layers where !FileManager.default.fileExists(atPath: file.string) {
                throw VersError(.internal, "\(file) is missing")
            }
        } catch {
            hypervisor.abandoned(id)
            throw error
        }
    }

    var hasRehearsed: Bool { rehearsed.withLock { $0 } }

    func rehearse(
        _ state: SavedState,
        disk: FilePath,
        performance: @Sendable (FilePath) async throws -> Void
    ) async throws {
        do {
            try hypervisor.passed(.rehearse)
            try await performance(hypervisor.guestChannel(in: configuration.directory))
        } catch {
            hypervisor.abandoned(id)
            throw error
        }
        rehearsed.withLock { $0 = true }
    }

    func restore(_ saved: SavedState) async throws -> any VirtualMachine {
        let disk: FilePath
        do {
            guard let opened = self.disk.withLock({ $0 }) else { throw VersError(.internal, "no disk was opened") }
            disk = opened
            try hypervisor.passed(.restore)
            for file in saved.memoryLayers + [saved.deviceState]
            where !FileManager.default.fileExists(atPath: file.string) {
                throw VersError(.internal, "\(file) is missing")
            }
        } catch {
            hypervisor.abandoned(id)
            throw error
        }
        let machine = ScriptedMachine(
            hypervisor: hypervisor,
            directory: disk.removingLastComponent(),
            disk: disk,
            process: process
        )
        try await machine.pause()
        hypervisor.became(machine, of: id)
        return machine
    }

    func abandon() async { hypervisor.abandoned(id) }
}
