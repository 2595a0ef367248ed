import Foundation
import Logging
public import VersAPI

extension MachineService {
    /// Branches a VM or a commit into `count` new VMs that share one freeze. They are `running` when the call
    /// returns, the children of a VM without memory after a boot.
    public func branch(
        _ source: BranchSource,
        count: Int,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> [MachineID] {
        try Validation.value(count, of: "count", in: 1...DomainConfiguration.maximumChildren)
        switch source {
        case .commit(let id):
            let commit = try await commitRecord(id, for: principal)
            try await requireLimits(of: principal, count: count, hardware: commit.hardware)
            return try await spawn(count, from: commit, for: principal)
        case .machine(let id):
            let machine = try await settled(id, skipWaitBoot: options.skipWaitBoot, for: principal)
            try await requireLimits(of: principal, count: count, hardware: machine.hardware)
            try await admit(count: count, memoryMiB: machine.hardware.memoryMiB)
            let purpose = MachineFreezer.Purpose(kind: .branch, owner: principal, reusesUnchangedDisk: false)
            await domain.registry.beginUse(of: purpose.id)
            do {
                let children = try await branch(id, into: count, purpose: purpose, options: options, for: principal)
                await domain.registry.endUse(of: purpose.id)
                return children
            } catch {
                await domain.registry.endUse(of: purpose.id)
                await reclaimAfterFailure(of: purpose.id)
                throw error
            }
        }
    }

    private func branch(
        _ id: MachineID,
        into count: Int,
        purpose: MachineFreezer.Purpose,
        options: FreezeOptions,
        for principal: Principal
    ) async throws -> [MachineID] {
        var prestarted: [Prestarted] = []
        var wasPausedHere = false
        do {
            let commit = try await domain.registry.exclusively(id) {
                let machine = try await freezable(id)
                guard machine.state == .running || machine.state == .paused else {
                    return try await commitWithoutProcess(machine, purpose: purpose, steps: .branch)
                }
                let live = try await live(machine)
                let commit = try await freezer.freeze(
                    machine,
                    live: live,
                    purpose: purpose,
                    leavePaused: options.keepPaused || machine.state == .paused,
                    steps: .branch
                ) {
                    // The first children start while the parent still runs; every further one would only make
                    // the pause compete for processors.
                    let early = min(count, domain.host.processorCount())
                    prestarted = try await prestart(early, of: machine, purpose: purpose, for: principal)
                }
                if options.keepPaused, machine.state == .running {
                    try await domain.metadata.update(id) { $0.state = .paused }
                    wasPausedHere = true
                }
                return commit
            }
            domain.steps(.branchMarkKept)
            let children = try await spawn(count, from: commit, for: principal, prestarted: prestarted)
            sealInBackground(commit)
            flattenIfNeeded(id)
            return children
        } catch {
            await abandon(prestarted)
            if wasPausedHere { await runOn(id, for: principal) }
            throw error
        }
    }

    /// Lets a VM run on that was to stay paused for children that did not come up.
    private func runOn(_ id: MachineID, for principal: Principal) async {
        do {
            try await setState(of: id, to: .running, skipWaitBoot: true, for: principal)
        } catch {
            domain.logger.error("parent stays paused", metadata: ["vm.id": "\(id)", "error": "\(error)"])
        }
    }

    private func prestart(
        _ count: Int,
        of machine: Machine,
        purpose: MachineFreezer.Purpose,
        for principal: Principal
    ) async throws -> [Prestarted] {
        try await withThrowingTaskGroup(of: Prestarted.self) { group in
            for _ in 0..<count {
                let child = Machine(
                    id: MachineID(),
                    ownerID: principal.keyID,
                    organisationID: principal.organisationID,
                    createdAt: .now,
                    state: .booting,
                    labels: nil,
                    hardware: machine.hardware,
                    diskMiB: machine.diskMiB,
                    parentCommitID: purpose.id,
                    parentMachineID: machine.id,
                    credentials: try domain.keys.machineCredentials(comment: "vers")
                )
                group.addTask { [self] in
                    try await prestart(child, diskLayers: machine.diskLayers + [purpose.id])
                }
            }
            var children: [Prestarted] = []
            do {
                for try await child in group { children.append(child) }
                return children
            } catch {
                // Not cancelled: what undoes a start would be cancelled with it, and a start is short.
                while let rest = await group.nextResult() {
                    if case .success(let child) = rest { children.append(child) }
                }
                await abandon(children)
                throw error
            }
        }
    }
}
