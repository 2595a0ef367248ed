import Foundation
import VersAPI

extension MachineService {
    /// Copies a commit for another owner and starts a VM from the copy. The copy shares the layers of the original
    /// and outlives it.
    /// - Parameters:
    ///   - source: a commit that the principal may use.
    ///   - record: stores the copy and the VM in one transaction. When it throws, nothing is left of either.
    func fork(
        _ source: CommitID,
        for principal: Principal,
        record: (Commit, Machine) async throws -> Void
    ) async throws -> (CommitID, MachineID) {
        let id = CommitID()
        await domain.registry.beginUse(of: source)
        await domain.registry.beginUse(of: id)
        let machine: Machine
        do {
            machine = try await fork(source, as: id, for: principal, record: record)
        } catch {
            await domain.registry.endUse(of: id)
            await domain.registry.endUse(of: source)
            await reclaimAfterFailure(of: id)
            throw error
        }
        await domain.registry.endUse(of: id)
        await domain.registry.endUse(of: source)
        try await supervisor.confirm(machine.id)
        domain.steps(.forkRecorded)
        return (id, machine.id)
    }

    private func fork(
        _ source: CommitID,
        as id: CommitID,
        for principal: Principal,
        record: (Commit, Machine) async throws -> Void
    ) async throws -> Machine {
        let original = try await commitRecord(source, for: principal)
        try checkCompatibility(of: original)
        try await requireLimits(of: principal, count: 1, hardware: original.hardware)
        try await admit(count: 1, memoryMiB: original.hardware.memoryMiB)
        if !original.isDurable { try await seal(original) }
        var copy = original.copy(id: id, owner: principal)
        _ = try await domain.commits.create(id)
        try await domain.commits.seal(copy)
        copy.isDurable = true
        domain.steps(.forkCommitSealed)
        var machine = try child(of: copy, id: nil, from: nil, for: principal)
        machine.network = try await places(1, like: copy.network).first
        let started = try await start(machine, from: copy, standby: nil)
        domain.steps(.forkMachineStarted)
        do {
            try await record(copy, started)
        } catch {
            await discard(started.id)
            throw error
        }
        return started
    }
}

extension Commit {
    /// The same state under another id. It descends from this one, and was taken from no VM of its owner's.
    fileprivate func copy(id: CommitID, owner: Principal) -> Commit {
        Commit(
            id: id,
            ownerID: owner.keyID,
            organisationID: owner.organisationID,
            kind: .named,
            createdAt: Date(),
            name: name,
            description: description,
            parentMachineID: nil,
            parentCommitID: self.id,
            hardware: hardware,
            diskMiB: diskMiB,
            memoryLayers: memoryLayers,
            deviceStateLayer: deviceStateLayer,
            diskLayers: diskLayers,
            compatibility: compatibility,
            network: network(for: owner)
        )
    }
}
