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
        owner: KeyID
    ) async throws -> [MachineID] {
        try Validation.value(count, of: "count", in: 1...DomainConfiguration.maximumChildren)
        switch source {
        case .commit(let id):
            return try await spawn(count, from: try await commitRecord(id), owner: owner)
        case .machine(let id):
            let machine = try await settled(id, skipWaitBoot: options.skipWaitBoot)
            try await admit(count: count, memoryMiB: machine.hardware.memoryMiB)
            let purpose = MachineFreezer.Purpose(kind: .branch, owner: owner)
            await domain.registry.beginUse(of: purpose.id)
            do {
                let children = try await branch(id, into: count, purpose: purpose, options: options, owner: owner)
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
        owner: KeyID
    ) async throws -> [MachineID] {
        var standbys: [Standby] = []
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
                    standbys = try await domain.standbys.provide(early, of: machine.hardware.shape)
                    domain.steps(.branchChildWaiting)
                }
                if options.keepPaused, machine.state == .running {
                    try await domain.metadata.update(id) { $0.state = .paused }
                    wasPausedHere = true
                }
                return commit
            }
            domain.steps(.branchMarkKept)
            let ready = standbys
            standbys = []
            let children = try await spawn(count, from: commit, owner: owner, standbys: ready)
            sealInBackground(commit)
            flattenIfNeeded(id)
            return children
        } catch {
            await domain.standbys.abandon(standbys)
            if wasPausedHere { await runOn(id) }
            throw error
        }
    }

    /// Lets a VM run on that was to stay paused for children that did not come up.
    private func runOn(_ id: MachineID) async {
        do {
            try await setState(of: id, to: .running, skipWaitBoot: true)
        } catch {
            domain.logger.error("parent stays paused", metadata: ["vm.id": "\(id)", "error": "\(error)"])
        }
    }
}
