import Foundation
import Logging
import SystemPackage
public import VersAPI

extension MachineService {
    /// Brings a VM into a state. Does nothing when it is in it already.
    public func setState(
        of id: MachineID,
        to state: RequestedState,
        skipWaitBoot: Bool,
        for principal: Principal
    ) async throws {
        _ = try await settled(id, skipWaitBoot: skipWaitBoot, for: principal)
        try await domain.registry.exclusively(id) {
            let machine = try await record(id)
            if state == .running, [.sleeping, .stopped, .dead].contains(machine.state) {
                try await requireLimits(of: principal, count: 0, hardware: machine.hardware)
            }
            // Whatever traffic has done: from now on it is as somebody asked for.
            if machine.traffic.returnsTo != nil { try await domain.metadata.update(id) { $0.traffic.returnsTo = nil } }
            switch (machine.state, state) {
            case (.running, .running), (.paused, .paused), (.sleeping, .sleeping), (.stopped, .stopped): return
            case (.paused, .running): try await resume(machine)
            case (.sleeping, .running): try await wake(machine)
            case (.stopped, .running), (.dead, .running): try await start(machine)
            case (.running, .paused): try await pause(machine)
            case (.running, .sleeping), (.paused, .sleeping): try await sleep(machine)
            case (.running, .stopped), (.paused, .stopped): try await stop(machine)
            case (.sleeping, .stopped): try await dropMemory(of: machine)
            case (.dead, .stopped):
                try await domain.metadata.update(id) { $0.state = .stopped }
            default:
                throw VersError(
                    .conflict,
                    "vm \(id) is \(machine.state) and cannot become \(state.rawValue.lowercased())",
                    hint: "start it first: vers resume \(id)"
                )
            }
        }
    }

    /// Starts a VM from its disk. One whose creation failed has none: it is created now.
    private func start(_ machine: Machine) async throws {
        guard machine.activeDisk == nil else { return try await launcher.bootRecorded(machine) }
        try await createAgain(machine)
    }

    func pause(_ machine: Machine) async throws {
        try await live(machine).machine.pause()
        try await domain.metadata.update(machine.id) { $0.state = .paused }
    }

    /// Lets a paused VM run on, with the time of day.
    func resume(_ machine: Machine) async throws {
        let live = try await live(machine)
        try await live.machine.resume()
        try await domain.metadata.update(machine.id) {
            $0.state = .running
            $0.stateReason = nil
        }
        let session = try await live.session(deadline: .now + domain.configuration.restoreDeadline)
        try await session.applyIdentity(try await launcher.identity(of: machine, dropsConnections: false))
    }

    /// Writes memory to disk and ends the process.
    func sleep(_ machine: Machine) async throws {
        let live = try await live(machine)
        let purpose = MachineFreezer.Purpose(kind: .sleep, owner: machine.owner, reusesUnchangedDisk: false)
        await domain.registry.beginUse(of: purpose.id)
        do {
            let commit = try await freezer.freeze(
                machine,
                live: live,
                purpose: purpose,
                leavePaused: true,
                steps: .commit
            )
            try await seal(commit)
            try await domain.metadata.update(machine.id) {
                $0.state = .sleeping
                $0.sleepCommitID = commit.id
                $0.process = nil
                $0.startMemoryLayers = []
                $0.markedMemoryLayers = []
            }
            domain.steps(.sleepCommitted)
        } catch {
            await domain.registry.endUse(of: purpose.id)
            // Fails only when the process is gone, which its exit reports.
            if machine.state == .running { try? await live.machine.resume() }
            await reclaimAfterFailure(of: purpose.id)
            throw error
        }
        await domain.registry.endUse(of: purpose.id)
        await live.terminate()
        await domain.registry.unregister(live)
        await launcher.detach(machine)
    }

    func wake(_ machine: Machine) async throws {
        guard let id = machine.sleepCommitID, let commit = try await domain.metadata.commit(id) else {
            throw VersError(.internal, "vm \(machine.id) sleeps without a saved state")
        }
        try await admit(count: 1, memoryMiB: machine.hardware.memoryMiB)
        // The disk it fell asleep with holds nothing yet. A fresh one makes every attempt to wake start from the same
        // state, whatever an attempt that was cut off has written.
        var woken = machine
        let base = try await launcher.diskBase(of: machine.hardware, layers: commit.diskLayers)
        let disk = try await domain.hypervisor.createDisk(
            in: domain.layout.directory(of: machine.id),
            over: base,
            sizeMiB: commit.diskMiB
        )
        let diskName = disk.lastComponent?.string
        woken.activeDisk = diskName
        let live = try await wake(woken, disk: disk, from: commit)
        domain.steps(.wakeRestored)
        let process = live.machine.process
        try await domain.metadata.update(machine.id) {
            $0.state = .running
            $0.stateReason = nil
            $0.process = process
            $0.activeDisk = diskName
            $0.diskLayers = commit.diskLayers
            $0.sleepCommitID = nil
            $0.startMemoryLayers = commit.memoryLayers
        }
        domain.steps(.wakeRecorded)
        try await supervisor.confirm(machine.id)
        try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
        if let old = machine.activeDisk { try await domain.files.removeDisk(named: old, of: machine.id) }
        await LayerReclaimer(domain: domain).reclaim()
    }

    /// A VM that does not wake sleeps on, whatever became of the process that was to be it.
    private func wake(_ machine: Machine, disk: FilePath, from commit: Commit) async throws -> LiveMachine {
        do {
            if let name = machine.activeDisk { try await domain.files.flushDisk(named: name, of: machine.id) }
            let waiting = try await launcher.startWaiting(machine)
            try await waiting.openDisk(disk)
            return try await launcher.restore(waiting, as: machine, from: commit)
        } catch {
            await launcher.detach(machine)
            if let disk = machine.activeDisk { try await domain.files.removeDisk(named: disk, of: machine.id) }
            try await domain.metadata.update(machine.id) {
                $0.state = .sleeping
                $0.process = nil
            }
            throw error
        }
    }

    /// Asks the guest to power off, then ends the process. Memory is lost, the disk stays.
    private func stop(_ machine: Machine) async throws {
        let live = try await live(machine)
        live.expectExit()
        if machine.state == .running { await powerOffGracefully(live) }
        await live.terminate()
        await domain.registry.unregister(live)
        await launcher.detach(machine)
        try await domain.metadata.update(machine.id) {
            $0.state = .stopped
            $0.stateReason = nil
            $0.process = nil
            $0.startMemoryLayers = []
            $0.markedMemoryLayers = []
        }
    }

    /// Returns when the guest has powered off, refuses to, or had its time.
    private func powerOffGracefully(_ live: LiveMachine) async {
        do {
            try await withDeadline(domain.configuration.shutdownDeadline, "powering off vm \(live.id)") { [domain] in
                let session = try await live.session(deadline: .now + domain.configuration.restoreDeadline)
                try await session.powerOff()
                await live.waitUntilHalted()
            }
        } catch {
            domain.logger.notice(
                "guest did not power off by itself",
                metadata: ["vm.id": "\(live.id)", "error": "\(error)"]
            )
        }
    }

    /// A sleeping VM that is stopped loses the memory it slept with.
    private func dropMemory(of machine: Machine) async throws {
        try await domain.metadata.update(machine.id) {
            $0.state = .stopped
            $0.sleepCommitID = nil
        }
        if let id = machine.sleepCommitID {
            try await domain.metadata.update(id) { $0.deletedAt = Date() }
            await LayerReclaimer(domain: domain).reclaim()
        }
    }

    /// The record of a VM that does not boot any more.
    /// - Throws: `.conflict` at once with `skipWaitBoot`, `.timedOut` after the boot deadline.
    func settled(_ id: MachineID, skipWaitBoot: Bool, for principal: Principal) async throws -> Machine {
        try await settled(record(id, for: principal), skipWaitBoot: skipWaitBoot)
    }

    /// Like ``settled(_:skipWaitBoot:for:)``, for operations that have checked before.
    func settled(_ machine: Machine, skipWaitBoot: Bool) async throws -> Machine {
        guard machine.state == .booting else { return machine }
        let id = machine.id
        guard !skipWaitBoot else {
            throw VersError(
                .conflict,
                "vm \(id) is booting",
                hint: "leave skip_wait_boot out to wait until it is up"
            )
        }
        return try await withDeadline(domain.configuration.bootDeadline, "boot of vm \(id)") { [self] in
            // Whoever boots it holds it.
            try await domain.registry.exclusively(id) { try await record(id) }
        }
    }
}
