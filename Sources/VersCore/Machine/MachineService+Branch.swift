import Foundation
import Logging
import Synchronization
import SystemPackage
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
            let purpose = MachineFreezer.Purpose(kind: .branch, owner: principal)
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
        let early = EarlyChildren()
        var wasPausedHere = false
        do {
            let commit = try await domain.registry.exclusively(id) {
                let machine = try await freezable(id)
                guard machine.state == .running || machine.state == .paused else {
                    return try await commitWithoutProcess(machine, purpose: purpose, steps: .branch)
                }
                let live = try await live(machine)
                // The first children's processes start while the parent still runs; every further one would only
                // compete with it for processors.
                let wanted = min(count, domain.host.processorCount())
                let places = try await places(wanted, like: machine.network)
                early.add(try await domain.standbys.provide(wanted, as: machine.standbyRole), in: places)
                domain.steps(.branchChildWaiting)
                let commit = try await freezer.freeze(
                    machine,
                    live: live,
                    purpose: purpose,
                    leavePaused: options.keepPaused || machine.state == .paused,
                    steps: .branch,
                    beforehand: { [self] layers in
                        await early.replaceEach { try await mapFirst(layers, of: $0) }
                    },
                    meanwhile: { [self] layers in
                        await early.replaceEach { try await equip($0, as: machine, with: layers) }
                    }
                )
                if options.keepPaused, machine.state == .running {
                    try await domain.metadata.update(id) { $0.state = .paused }
                    wasPausedHere = true
                }
                return commit
            }
            domain.steps(.branchMarkKept)
            let children = try await spawn(
                count,
                from: commit,
                for: principal,
                standbys: try early.take(),
                branchedFrom: id
            )
            sealInBackground(commit)
            flattenIfNeeded(id)
            return children
        } catch {
            await domain.standbys.abandon(early.takeRest())
            if wasPausedHere { await runOn(id, for: principal) }
            throw error
        }
    }

    /// Gives a process all that a child of `parent` has but its devices' state. On failure nothing of it is left.
    private func equip(_ standby: Standby, as parent: Machine, with layers: FrozenLayers) async throws -> Standby {
        async let mapped: Void = {
            try await layers.waitForMemory()
            try await standby.waiting.mapMemory(memoryFiles(layers.memory), moreFollow: false)
        }()
        let equipped = try await equip(standby, parent.hardware, diskLayers: layers.disk, diskMiB: parent.diskMiB)
        do {
            try await mapped
            return equipped
        } catch {
            await domain.standbys.abandon([equipped])
            throw error
        }
    }

    /// Gives a process the memory that its VM's will lie over. On failure nothing of it is left.
    private func mapFirst(_ layers: [CommitID], of standby: Standby) async throws -> Standby {
        do {
            try await standby.waiting.mapMemory(memoryFiles(layers), moreFollow: true)
            return standby
        } catch {
            await domain.standbys.abandon([standby])
            throw error
        }
    }

    private func memoryFiles(_ layers: [CommitID]) -> [FilePath] {
        layers.map { domain.layout.file(.memory, of: $0) }
    }

    /// Lets a VM run on that was to stay paused for children that did not come up.
    private func runOn(_ id: MachineID, for principal: Principal) async {
        do {
            try await setState(of: id, to: .running, skipWaitBoot: true, for: principal)
        } catch {
            domain.logger.error("parent stays paused", metadata: ["vm.id": "\(id)", "error": "\(error)"])
        }
    }
}

/// The processes of a branch's first children, from before the pause until they are VMs.
private final class EarlyChildren: Sendable {
    private struct State {
        var standbys: [Standby] = []
        var failure: (any Error)?
    }

    private let state = Mutex(State())

    /// - Parameter places: in a private network, one for each; none without one.
    func add(_ standbys: [Standby], in places: [MachineNetwork] = []) {
        var placed = standbys
        for (index, place) in zip(placed.indices, places) { placed[index].network = place }
        state.withLock { $0.standbys += placed }
    }

    /// Replaces each by what `change` makes of it. One that fails is gone; the first failure is kept for ``take()``.
    func replaceEach(_ change: (Standby) async throws -> Standby) async {
        for standby in takeRest() {
            do {
                add([try await change(standby)])
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
        }
    }

    /// - Throws: what one of them failed with.
    func take() throws -> [Standby] {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        return takeRest()
    }

    func takeRest() -> [Standby] {
        state.withLock { state in
            defer { state.standbys = [] }
            return state.standbys
        }
    }
}
