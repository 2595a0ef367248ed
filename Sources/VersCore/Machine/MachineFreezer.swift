import Foundation
import Logging
import SystemPackage
import VersAPI

/// Turns the present state of a VM into a commit. The caller holds the VM.
struct MachineFreezer: Sendable {
    /// What the new commit is to be.
    struct Purpose: Sendable {
        var id = CommitID()
        var kind: CommitKind
        var owner: Principal
        var name: String?
        var description: String?
        /// Whether the commit may share its parent's disk when nothing was written since.
        var reusesUnchangedDisk = true

        /// The name that was asked for, or one made from the id.
        var commitName: String { name ?? "commit-\(id.text.prefix(8))" }
    }

    /// The names of the steps, which differ between a branch and a commit.
    struct Steps: Sendable {
        var directoryCreated: OperationStep
        var prepared: OperationStep
        var frozen: OperationStep
        var memoryComplete: OperationStep
        var recorded: OperationStep

        static let branch = Steps(
            directoryCreated: .branchDirectoryCreated,
            prepared: .branchPrepared,
            frozen: .branchFrozen,
            memoryComplete: .branchMemoryComplete,
            recorded: .branchCommitRecorded
        )
        static let commit = Steps(
            directoryCreated: .commitDirectoryCreated,
            prepared: .commitPrepared,
            frozen: .commitFrozen,
            memoryComplete: .commitMemoryComplete,
            recorded: .commitRecorded
        )
    }

    let domain: Domain

    /// Freezes a VM with a live process.
    /// - Parameters:
    ///   - beforehand: runs before the pause, with the memory layers that the commit's will lie over.
    ///   - meanwhile: runs after the pause, while the memory layer is completed and the commit recorded. Both have
    ///     ended when the call returns or throws.
    func freeze(
        _ machine: Machine,
        live: LiveMachine,
        purpose: Purpose,
        leavePaused: Bool,
        steps: Steps,
        beforehand: @escaping @Sendable ([CommitID]) async -> Void = { _ in },
        meanwhile: @escaping @Sendable (FrozenLayers) async -> Void = { _ in }
    ) async throws -> Commit {
        try await domain.ensureDiskSpace()
        let directory = try await domain.commits.create(purpose.id)
        domain.steps(steps.directoryCreated)
        let (delta, underneath) = try await delta(of: machine, live: live)
        async let begun: Void = beforehand(underneath)
        let prepared = try await live.machine.prepareFreeze(
            FreezeRequest(
                directory: directory,
                delta: delta,
                mark: purpose.id,
                reusesUnchangedDisk: purpose.reusesUnchangedDisk
            )
        )
        domain.steps(steps.prepared)
        let frozen = try await prepared.execute(leavePaused: leavePaused)
        domain.steps(steps.frozen)
        await begun
        let written = Task { try await frozen.memoryLayer() }
        let layers = FrozenLayers(
            memory: underneath + [purpose.id],
            disk: machine.diskLayers + (frozen.report.diskSwitched ? [purpose.id] : []),
            written: written
        )
        do {
            async let done: Void = meanwhile(layers)
            async let flushed: Void = flushDisks(of: machine, frozen.report, commit: purpose.id)
            let layer = try await withTaskCancellationHandler {
                try await written.value
            } onCancel: {
                written.cancel()
            }
            domain.steps(steps.memoryComplete)
            // Beside the record. A mark that is not recorded is one that no layer is written since.
            async let kept: Void = frozen.keepMark()
            let commit = makeCommit(
                of: machine,
                purpose: purpose,
                memoryLayers: layers.memory,
                diskLayers: layers.disk
            )
            try await flushed
            try await record(commit, report: frozen.report)
            domain.steps(steps.recorded)
            try await kept
            log(commit, frozen.report, layer)
            await done
            return commit
        } catch {
            await frozen.abandon()
            await undo(machine, live: live, report: frozen.report, purpose: purpose, isPaused: leavePaused)
            throw error
        }
    }

    /// What takes the VM's writes from now on, and what that lies over. The guest's writes up to the pause were flushed in it.
    private func flushDisks(of machine: Machine, _ report: FreezeReport, commit: CommitID) async throws {
        guard report.diskSwitched, let disk = report.activeDisk.lastComponent?.string else { return }
        try await domain.commits.flush([.disk], of: commit)
        try await domain.files.flushDisk(named: disk, of: machine.id)
    }

    /// After a freeze that failed behind its pause: the VM runs on as it did before, on the disk that it has now. What
    /// fails here is logged, so that the caller learns of the first failure.
    private func undo(
        _ machine: Machine,
        live: LiveMachine,
        report: FreezeReport,
        purpose: Purpose,
        isPaused: Bool
    ) async {
        do {
            if purpose.kind != .boot { try await recordDisk(of: machine, report: report, commit: purpose.id) }
            if isPaused, machine.state == .running { try await live.machine.resume() }
        } catch {
            domain.logger.error(
                "freeze could not be undone",
                metadata: ["vm.id": "\(machine.id)", "error": "\(error)"]
            )
        }
    }

    /// Freezes the disk of a VM without a process.
    func freezeDisk(of machine: Machine, purpose: Purpose, steps: Steps) async throws -> Commit {
        try await domain.ensureDiskSpace()
        guard let active = machine.activeDisk else {
            throw VersError(
                .conflict,
                "vm \(machine.id) has no disk yet: it never ran",
                hint: "create it again: vers start \(machine.id)"
            )
        }
        _ = try await domain.commits.create(purpose.id)
        domain.steps(steps.directoryCreated)
        let directory = domain.layout.directory(of: machine.id)
        try await domain.commits.adoptDisk(directory.appending(active), into: purpose.id)
        domain.steps(.diskAdopted)
        let next = try await domain.hypervisor.createDisk(
            in: directory,
            over: domain.layout.file(.disk, of: purpose.id),
            sizeMiB: machine.diskMiB
        )
        domain.steps(.diskCreated)
        let name = next.lastComponent?.string ?? ""
        try await domain.commits.flush([.disk], of: purpose.id)
        try await domain.files.flushDisk(named: name, of: machine.id)
        let commit = Commit(
            id: purpose.id,
            ownerID: purpose.owner.keyID,
            organisationID: purpose.owner.organisationID,
            kind: purpose.kind,
            createdAt: Date(),
            name: purpose.commitName,
            description: purpose.description,
            parentMachineID: machine.id,
            parentCommitID: machine.parentCommitID,
            hardware: machine.hardware,
            diskMiB: machine.diskMiB,
            memoryLayers: [],
            deviceStateLayer: nil,
            diskLayers: machine.diskLayers + [purpose.id],
            compatibility: domain.hypervisor.compatibility,
            network: machine.network
        )
        try await domain.metadata.insert(commit, changing: machine.id) {
            $0.activeDisk = name
            $0.diskLayers = commit.diskLayers
        }
        domain.steps(steps.recorded)
        domain.steps(.diskRecorded)
        try await domain.files.removeDisk(named: active, of: machine.id)
        return commit
    }

    /// Where the next memory layer starts, and the layers underneath it.
    ///
    /// A chain that is full is merged onto its first layer. That is the boot commit's as a rule, which many VMs share, and
    /// which standbys have rehearsed.
    private func delta(of machine: Machine, live: LiveMachine) async throws -> (MemoryDelta, [CommitID]) {
        if live.machine.savesMemoryWhole { return (.everything, []) }
        let maximum = domain.configuration.maximumMemoryLayers
        let mark = try await live.machine.memoryMark()
        if let mark, mark == machine.markedMemoryLayers.last {
            if machine.markedMemoryLayers.count < maximum { return (.since(mark: mark), machine.markedMemoryLayers) }
        } else if machine.startMemoryLayers.count < maximum {
            return (.sinceStart, machine.startMemoryLayers)
        }
        guard let first = machine.startMemoryLayers.first, try await live.machine.mergesMemoryLayers() else {
            return (.everything, [])
        }
        return (.sinceFirstLayer, [first])
    }

    private func makeCommit(
        of machine: Machine,
        purpose: Purpose,
        memoryLayers: [CommitID],
        diskLayers: [CommitID]
    ) -> Commit {
        Commit(
            id: purpose.id,
            ownerID: purpose.owner.keyID,
            organisationID: purpose.owner.organisationID,
            kind: purpose.kind,
            createdAt: Date(),
            name: purpose.commitName,
            description: purpose.description,
            parentMachineID: purpose.kind == .boot ? nil : machine.id,
            parentCommitID: machine.parentCommitID,
            hardware: machine.hardware,
            diskMiB: machine.diskMiB,
            memoryLayers: memoryLayers,
            deviceStateLayer: purpose.id,
            diskLayers: diskLayers,
            compatibility: domain.hypervisor.compatibility,
            network: machine.network
        )
    }

    private func record(_ commit: Commit, report: FreezeReport) async throws {
        let activeDisk = report.activeDisk.lastComponent?.string
        try await domain.metadata.insert(commit, changing: commit.parentMachineID) {
            $0.activeDisk = activeDisk
            $0.diskLayers = commit.diskLayers
            $0.markedMemoryLayers = commit.memoryLayers
        }
    }

    /// A freeze that failed after the pause has switched the disk all the same: its layer stays underneath.
    private func recordDisk(of machine: Machine, report: FreezeReport, commit: CommitID) async throws {
        guard report.diskSwitched else { return }
        let activeDisk = report.activeDisk.lastComponent?.string
        try await domain.metadata.update(machine.id) {
            guard $0.diskLayers.last != commit else { return }
            $0.activeDisk = activeDisk
            $0.diskLayers.append(commit)
        }
    }

    /// The benchmark reads this line: values without spaces, times in microseconds.
    private func log(_ commit: Commit, _ report: FreezeReport, _ layer: MemoryLayerReport) {
        let steps = report.steps.map { "\($0.name.replacing(" ", with: "-")):\($0.duration.wholeMicroseconds)" }
        var metadata: Logger.Metadata = [
            "commit.id": "\(commit.id)",
            "commit.kind": "\(commit.kind)",
            "vm.id": "\(commit.parentMachineID?.text ?? "")",
            "freeze.pause-us": "\(report.pause.wholeMicroseconds)",
            "freeze.steps-us": "\(steps.joined(separator: ","))",
            "layer.bytes": "\(layer.bytes)",
            "layer.extents": "\(layer.extents)",
            "layer.duration-us": "\(layer.duration.wholeMicroseconds)",
            "layer.depth": "\(commit.memoryLayers.count)",
        ]
        if let ahead = report.ahead {
            metadata["layer.ahead-us"] = "\(ahead.duration.wholeMicroseconds)"
            metadata["layer.ahead-bytes"] = "\(ahead.bytes)"
            metadata["layer.passes"] = "\(ahead.passes)"
        }
        domain.logger.info("commit made", metadata: metadata)
    }
}

/// What a commit will consist of, from the moment that its VM runs on.
struct FrozenLayers: Sendable {
    let memory: [CommitID]
    /// Complete.
    let disk: [CommitID]
    /// The last memory layer, whose completion does not end with a task that waits for it.
    fileprivate let written: Task<MemoryLayerReport, any Error>

    /// Returns when all of ``memory`` is complete.
    func waitForMemory() async throws { _ = try await written.value }
}

extension Duration {
    fileprivate var wholeMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
