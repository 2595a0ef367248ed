import Foundation
import Logging
import SystemPackage
import VersAPI

/// What a daemon does before it serves: makes the records and the world agree again, whatever moment the last daemon
/// was ended at.
///
/// VMs run on without a daemon, so what still runs is taken over; what does not is `stopped`. Everything that no
/// record speaks of was half made, and is removed: processes, directories and layers.
public struct Recovery: Sendable {
    /// How many VMs are taken over at once.
    private static let concurrency = 8

    let domain: Domain
    let machines: MachineService

    public init(domain: Domain, machines: MachineService) {
        self.domain = domain
        self.machines = machines
    }

    /// - Parameter hostRebooted: whether the host was started anew since the last daemon ran. Whatever was not on
    ///   stable storage then may be damaged.
    public func run(hostRebooted: Bool) async throws {
        let recorded = try await domain.metadata.liveMachines()
        try await takeOver(recorded)
        let registered = await domain.registry.all()
        await domain.hypervisor.terminateStrays(
            below: domain.layout.machines,
            keeping: Set(registered.map(\.machine.process.pid))
        )
        await domain.hypervisor.terminateStrays(below: domain.layout.standbys, keeping: [])
        try await recoverNetworks()
        try await removeStrayDirectories(keeping: Set(recorded.map(\.id)))
        try await removeLeftovers()
        try await retireSleepCommits()
        try await settleCommits(hostRebooted: hostRebooted)
        try await retireBootCommits()
        await LayerReclaimer(domain: domain).reclaim()
        try await finishBoots()
    }

    private func takeOver(_ recorded: [Machine]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, machine) in recorded.enumerated() {
                if index >= Self.concurrency { try await group.next() }
                group.addTask { try await takeOver(machine) }
            }
            try await group.waitForAll()
        }
    }

    private func takeOver(_ machine: Machine) async throws {
        let directory = domain.layout.directory(of: machine.id)
        let process: (any VirtualMachine)?
        do {
            if let identity = machine.process {
                process = try await domain.hypervisor.adopt(identity, directory: directory)
            } else {
                process = nil
            }
        } catch {
            // It is ended with the strays.
            try await recordFailure(of: machine, error)
            await recordNewestDisk(of: machine)
            return
        }
        guard let process else {
            guard machine.state == .running || machine.state == .paused else { return }
            let reason = "its process was gone when the daemon started"
            try await recordLoss(of: machine, reason: reason, state: .stopped)
            await recordNewestDisk(of: machine)
            return
        }
        let live = await machines.supervisor.supervise(process, id: machine.id)
        do {
            try await settle(machine, adopted: live)
        } catch {
            try await recordFailure(of: machine, error)
            await live.terminate()
            await domain.registry.unregister(live)
        }
    }

    private func recordFailure(of machine: Machine, _ error: any Error) async throws {
        domain.logger.error(
            "vm could not be taken over",
            metadata: ["vm.id": "\(machine.id)", "error": "\(error)"]
        )
        let message = (error as? VersError)?.message ?? "\(error)"
        try await recordLoss(of: machine, reason: "it could not be taken over: \(message)", state: .dead)
    }

    /// Makes record and process of a VM that runs agree.
    private func settle(_ machine: Machine, adopted live: LiveMachine) async throws {
        try await recordDisk(try await live.machine.activeDisk(), of: machine)
        switch (try await live.machine.executionState(), machine.state) {
        case (.paused, .running):
            // A freeze was cut off inside its pause.
            try await live.machine.resume()
        case (.running, .paused):
            try await domain.metadata.update(machine.id) { $0.state = .running }
        case (.halted(let reason), _):
            try await recordLoss(of: machine, reason: reason, state: .stopped)
            await live.terminate()
            await domain.registry.unregister(live)
        default: break
        }
        domain.logger.info("vm taken over", metadata: ["vm.id": "\(machine.id)"])
    }

    private func recordLoss(of machine: Machine, reason: String, state: MachineState) async throws {
        try await domain.metadata.update(machine.id) {
            $0.state = state
            $0.stateReason = reason
            $0.process = nil
            $0.startMemoryLayers = []
            $0.markedMemoryLayers = []
        }
    }

    /// Of a VM without a process. One whose files cannot be read must not keep the daemon from serving the others.
    private func recordNewestDisk(of machine: Machine) async {
        let directory = domain.layout.directory(of: machine.id)
        do {
            if let disk = try await domain.hypervisor.newestDisk(in: directory) {
                try await recordDisk(disk, of: machine)
            }
        } catch {
            domain.logger.error(
                "disk of a vm could not be found",
                metadata: ["vm.id": "\(machine.id)", "error": "\(error)"]
            )
        }
    }

    /// The files say which disk takes the writes and what lies under it: a freeze may have switched it without
    /// getting as far as recording it.
    private func recordDisk(_ disk: FilePath, of machine: Machine) async throws {
        let chain = try await domain.hypervisor.backingChain(of: disk)
        let layers = chain.reversed().compactMap { file -> CommitID? in
            let directory = file.removingLastComponent()
            guard directory.removingLastComponent().lastComponent == domain.layout.commits.lastComponent else {
                return nil
            }
            return directory.lastComponent.flatMap { CommitID($0.string) }
        }
        let name = disk.lastComponent?.string
        guard name != machine.activeDisk || layers != machine.diskLayers else { return }
        try await domain.metadata.update(machine.id) {
            $0.activeDisk = name
            $0.diskLayers = layers
        }
    }

    /// Of VMs that run; what others had goes.
    private func recoverNetworks() async throws {
        var running: [NetworkAttachment] = []
        for machine in try await domain.metadata.liveMachines() {
            guard let attachment = machine.networkAttachment, await domain.registry.machine(machine.id) != nil else {
                continue
            }
            running.append(attachment)
        }
        await domain.networks.recover(running)
    }

    private func removeStrayDirectories(keeping recorded: Set<MachineID>) async throws {
        for id in try await domain.files.all() where !recorded.contains(id) { await domain.removeFiles(of: id) }
        for id in try await domain.files.standbys() { try await domain.files.removeStandby(id) }
    }

    /// What processes and operations that were cut off have left of VMs without a process.
    private func removeLeftovers() async throws {
        for machine in try await domain.metadata.liveMachines() {
            guard let disk = machine.activeDisk, await domain.registry.machine(machine.id) == nil else { continue }
            let directory = domain.layout.directory(of: machine.id)
            do {
                try await domain.hypervisor.removeLeftovers(in: directory, activeDisk: directory.appending(disk))
            } catch {
                domain.logger.warning(
                    "leftovers of a vm could not be removed",
                    metadata: ["vm.id": "\(machine.id)", "error": "\(error)"]
                )
            }
        }
    }

    /// VMs whose creation or start was cut off.
    private func finishBoots() async throws {
        for machine in try await domain.metadata.liveMachines() where machine.state == .booting {
            try await machines.bringUpInBackground(machine)
        }
    }
}

/// Lets go of every VM when the daemon ends: they run on. What waits to become one ends.
public struct MachineRelease: Sendable {
    private let domain: Domain

    public init(domain: Domain) { self.domain = domain }

    public func run() async {
        await domain.standbys.close()
        for live in await domain.registry.all() { await live.detach() }
    }
}
