import Foundation
import Logging
public import VersAPI

extension MachineService {
    /// Freezes a VM's state forever. The commit is on stable storage when the call returns.
    public func commit(
        _ id: MachineID,
        request: CommitRequest,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> CommitID {
        if let name = request.name { try Validation.name(name, of: "commit name") }
        if let description = request.description { try Validation.description(description) }
        _ = try await settled(id, skipWaitBoot: options.skipWaitBoot, for: principal)
        let purpose = MachineFreezer.Purpose(
            id: request.commit_id ?? CommitID(),
            kind: .named,
            owner: principal,
            name: request.name,
            description: request.description
        )
        // Claimed first: of two requests with one id the second must neither get past here nor clean up.
        guard await domain.registry.claim(purpose.id) else { throw Self.taken(purpose.id) }
        if try await domain.metadata.commit(purpose.id) != nil {
            await domain.registry.endUse(of: purpose.id)
            throw Self.taken(purpose.id)
        }
        do {
            let commit = try await domain.registry.exclusively(id) {
                let machine = try await freezable(id)
                guard machine.state == .running || machine.state == .paused else {
                    return try await commitWithoutProcess(machine, purpose: purpose, steps: .commit)
                }
                let commit = try await freezer.freeze(
                    machine,
                    live: try await live(machine),
                    purpose: purpose,
                    leavePaused: options.keepPaused || machine.state == .paused,
                    steps: .commit
                )
                if options.keepPaused { try await domain.metadata.update(id) { $0.state = .paused } }
                return commit
            }
            try await seal(commit)
            await domain.registry.endUse(of: purpose.id)
            flattenIfNeeded(id)
            return commit.id
        } catch {
            await domain.registry.endUse(of: purpose.id)
            await reclaimAfterFailure(of: purpose.id)
            throw error
        }
    }

    private static func taken(_ id: CommitID) -> VersError {
        VersError(
            .alreadyExists,
            "commit \(id) exists already",
            hint: "leave commit_id out to get a new one; ids of deleted commits are not used again"
        )
    }

    /// The record of a VM that the caller holds, brought into a state that can be frozen.
    func freezable(_ id: MachineID) async throws -> Machine {
        let machine = try await record(id)
        guard machine.diskLayers.count >= domain.configuration.maximumDiskLayers, machine.state == .running else {
            return machine
        }
        try await DiskFlattener(domain: domain).flatten(machine)
        return try await record(id)
    }

    /// Freezes a VM that has no process: a sleeping one with the memory it sleeps with, others their disk alone.
    func commitWithoutProcess(
        _ machine: Machine,
        purpose: MachineFreezer.Purpose,
        steps: MachineFreezer.Steps
    ) async throws -> Commit {
        switch machine.state {
        case .sleeping: try await commitSleeping(machine, purpose: purpose)
        case .stopped, .dead: try await freezer.freezeDisk(of: machine, purpose: purpose, steps: steps)
        case .booting, .running, .paused:
            throw VersError(
                .conflict,
                "vm \(machine.id) is \(machine.state)",
                hint: "try again when it runs: vers info \(machine.id)"
            )
        }
    }

    /// A sleeping VM's memory is a commit already: the new one shares its layers.
    private func commitSleeping(_ machine: Machine, purpose: MachineFreezer.Purpose) async throws -> Commit {
        guard let sleepID = machine.sleepCommitID, let sleep = try await domain.metadata.commit(sleepID) else {
            throw VersError(.internal, "vm \(machine.id) sleeps without a saved state")
        }
        _ = try await domain.commits.create(purpose.id)
        let commit = Commit(
            id: purpose.id,
            ownerID: purpose.owner.keyID,
            organisationID: purpose.owner.organisationID,
            kind: purpose.kind,
            createdAt: .now,
            name: purpose.commitName,
            description: purpose.description,
            parentMachineID: machine.id,
            parentCommitID: machine.parentCommitID,
            hardware: machine.hardware,
            diskMiB: machine.diskMiB,
            memoryLayers: sleep.memoryLayers,
            deviceStateLayer: sleep.deviceStateLayer,
            diskLayers: sleep.diskLayers,
            compatibility: sleep.compatibility,
            network: machine.network
        )
        try await domain.metadata.insert(commit, changing: nil) { _ in }
        return commit
    }

    /// Puts a commit on stable storage and says so.
    func seal(_ commit: Commit) async throws {
        try await CommitSealer(domain: domain).seal(commit)
        domain.steps(.commitSealed)
    }

    /// The same after the answer: a branch's children do not wait for the disk.
    func sealInBackground(_ commit: Commit) {
        domain.background.start { [self] in
            do {
                try await seal(commit)
                guard let parent = commit.parentMachineID, let live = await domain.registry.machine(parent) else {
                    return
                }
                await live.machine.makeRoom()
            } catch {
                domain.logger.error(
                    "commit could not be sealed",
                    metadata: ["commit.id": "\(commit.id)", "error": "\(error)"]
                )
            }
        }
    }

    func flattenIfNeeded(_ id: MachineID) {
        domain.background.start { [self] in await DiskFlattener(domain: domain).flattenIfNeeded(id) }
    }

    /// After an operation that failed: its commit goes, unless a VM's disk already rests on it.
    func reclaimAfterFailure(of id: CommitID) async {
        await LayerReclaimer(domain: domain).reclaimAfterFailure(of: id)
    }
}
