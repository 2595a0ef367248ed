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

    private let domain: Domain
    private let machines: MachineService

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
        if let process = machine.process,
            let adopted = try await domain.hypervisor.adopt(process, directory: directory)
        {
            let live = await machines.supervisor.supervise(adopted, id: machine.id)
            do {
                try await settle(machine, adopted: live)
            } catch {
                domain.logger.error(
                    "vm could not be taken over",
                    metadata: ["vm.id": "\(machine.id)", "error": "\(error)"]
                )
                try await recordLoss(of: machine, reason: "it could not be taken over: \(error)", state: .dead)
                await live.terminate()
                await domain.registry.unregister(live)
            }
            return
        }
        guard machine.state == .running || machine.state == .paused else { return }
        try await recordLoss(
            of: machine,
            reason: "its process was gone when the daemon started",
            state: .stopped
        )
        if let disk = try await domain.hypervisor.newestDisk(in: directory) {
            try await recordDisk(disk, of: machine)
        }
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

    /// Finishes commits that were recorded but not sealed.
    private func settleCommits(hostRebooted: Bool) async throws {
        for commit in try await domain.metadata.liveCommits() where !commit.isDurable {
            if hostRebooted {
                domain.logger.warning(
                    "commit was not on stable storage when the host stopped",
                    metadata: ["commit.id": "\(commit.id)"]
                )
                try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
            } else {
                machines.sealInBackground(commit)
            }
        }
    }

    /// The booted states of builds of an image that another has replaced: no VM starts from them any more. VMs that did
    /// keep their layers.
    private func retireBootCommits() async throws {
        for commit in try await domain.metadata.liveCommits() where commit.kind == .boot {
            let build = commit.hardware.imageBuild
            if let id = BaseImageID(build), try await domain.importedImages.importedImage(id) != nil { continue }
            do {
                guard try await domain.images.image(named: commit.hardware.imageName).build != build else { continue }
            } catch let error as VersError where error.code == .notFound {
                // It may be installed again.
                continue
            }
            try await domain.metadata.update(commit.id) { $0.deletedAt = Date() }
            domain.logger.info(
                "boot commit of a replaced image retired",
                metadata: ["commit.id": "\(commit.id)", "image.name": "\(commit.hardware.imageName)"]
            )
        }
    }

    /// VMs whose creation or start was cut off.
    private func finishBoots() async throws {
        for machine in try await domain.metadata.liveMachines() where machine.state == .booting {
            await machines.bringUpInBackground(machine)
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
