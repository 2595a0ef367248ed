import Foundation
import SystemPackage
import VersAPI

extension MachineService {
    /// A VM that was given a directory, a disk and a process which waits for memory.
    struct Prestarted: Sendable {
        var machine: Machine
        var waiting: any WaitingMachine
    }

    /// Starts `count` VMs from a commit. All or none.
    /// - Parameter prestarted: VMs to use first.
    func spawn(
        _ count: Int,
        from commit: Commit,
        for principal: Principal,
        prestarted: [Prestarted] = []
    ) async throws -> [MachineID] {
        await domain.registry.beginUse(of: commit.id)
        do {
            let started = try await spawnUsed(count, from: commit, for: principal, prestarted: prestarted)
            await domain.registry.endUse(of: commit.id)
            return started
        } catch {
            await domain.registry.endUse(of: commit.id)
            throw error
        }
    }

    private func spawnUsed(
        _ count: Int,
        from commit: Commit,
        for principal: Principal,
        prestarted: [Prestarted]
    ) async throws -> [MachineID] {
        let commit = try await commitRecord(commit.id, for: principal)
        try checkCompatibility(of: commit)
        if prestarted.isEmpty { try await admit(count: count, memoryMiB: commit.hardware.memoryMiB) }
        var blueprints: [(machine: Machine, waiting: (any WaitingMachine)?)] = prestarted.map {
            ($0.machine, $0.waiting)
        }
        while blueprints.count < count { blueprints.append((try child(of: commit, for: principal), nil)) }
        let started = try await startAll(blueprints, from: commit)
        do {
            try await domain.metadata.insert(started)
        } catch {
            for machine in started { await discard(machine.id) }
            throw error
        }
        for machine in started { try await supervisor.confirm(machine.id) }
        domain.steps(.branchChildrenRecorded)
        return started.map(\.id)
    }

    /// The record of a new VM that starts from `commit`.
    func child(of commit: Commit, for principal: Principal) throws -> Machine {
        Machine(
            id: MachineID(),
            ownerID: principal.keyID,
            organisationID: principal.organisationID,
            createdAt: Date(),
            state: .booting,
            labels: nil,
            hardware: commit.hardware,
            diskMiB: commit.diskMiB,
            parentCommitID: commit.id,
            // The tree of another organisation, whose commit is public, has nothing to do with this one.
            parentMachineID: commit.organisationID == principal.organisationID ? commit.parentMachineID : nil,
            credentials: try domain.keys.machineCredentials(comment: "vers")
        )
    }

    /// Gives a VM its directory and disk and starts a process that waits, before the commit's memory is there.
    func prestart(_ machine: Machine, diskLayers: [CommitID]) async throws -> Prestarted {
        var machine = machine
        do {
            try await prepareFiles(of: &machine, diskLayers: diskLayers, sizeMiB: machine.diskMiB)
            let waiting = try await launcher.startWaiting(machine)
            domain.steps(.branchChildWaiting)
            return Prestarted(machine: machine, waiting: waiting)
        } catch {
            await domain.removeFiles(of: machine.id)
            throw error
        }
    }

    func abandon(_ prestarted: [Prestarted]) async {
        for child in prestarted {
            await child.waiting.abandon()
            await domain.removeFiles(of: child.machine.id)
        }
    }

    /// Starts one VM from a commit. Returns its record as it should be stored; the caller stores it.
    func start(_ machine: Machine, from commit: Commit, waiting: (any WaitingMachine)?) async throws -> Machine {
        var machine = machine
        do {
            if waiting == nil {
                try await prepareFiles(of: &machine, diskLayers: commit.diskLayers, sizeMiB: commit.diskMiB)
            }
            let live: LiveMachine
            if commit.hasMemory {
                let process = if let waiting { waiting } else { try await launcher.startWaiting(machine) }
                live = try await launcher.restore(process, as: machine, from: commit)
            } else {
                live = try await launcher.boot(machine)
            }
            machine.state = .running
            machine.process = live.machine.process
            machine.diskLayers = commit.diskLayers
            machine.startMemoryLayers = commit.memoryLayers
            return machine
        } catch {
            await domain.removeFiles(of: machine.id)
            throw error
        }
    }

    /// Ends a VM that was started but could not be recorded.
    func discard(_ id: MachineID) async {
        if let live = await domain.registry.machine(id) { await live.terminate() }
        await domain.registry.forget(id)
        await domain.removeFiles(of: id)
    }

    private func prepareFiles(of machine: inout Machine, diskLayers: [CommitID], sizeMiB: Int) async throws {
        try await domain.files.create(machine.id)
        let base = try await launcher.diskBase(of: machine.hardware, layers: diskLayers)
        let disk = try await domain.hypervisor.createDisk(
            in: domain.layout.directory(of: machine.id),
            over: base,
            sizeMiB: sizeMiB
        )
        machine.activeDisk = disk.lastComponent?.string
        machine.diskLayers = diskLayers
    }

    /// Starts every VM, a few at a time. When one fails, none is left.
    private func startAll(
        _ blueprints: [(machine: Machine, waiting: (any WaitingMachine)?)],
        from commit: Commit
    ) async throws -> [Machine] {
        try await withThrowingTaskGroup(of: StartOutcome.self) { group in
            var outcomes: [StartOutcome] = []
            for (index, blueprint) in blueprints.enumerated() {
                if index >= domain.configuration.startConcurrency, let outcome = try await group.next() {
                    outcomes.append(outcome)
                }
                let machine = blueprint.machine
                let waiting = blueprint.waiting
                group.addTask { [self] in
                    do {
                        let started = try await start(machine, from: commit, waiting: waiting)
                        return StartOutcome(index: index, result: .success(started))
                    } catch {
                        return StartOutcome(index: index, result: .failure(error))
                    }
                }
            }
            for try await outcome in group { outcomes.append(outcome) }
            let ordered = outcomes.sorted { $0.index < $1.index }.map(\.result)
            do {
                let started = try ordered.map { try $0.get() }
                // A VM that is started and not told of would run on with no record.
                guard Set(started.map(\.id)).count == blueprints.count else {
                    throw VersError(.internal, "\(started.count) VMs were started: expected \(blueprints.count)")
                }
                return started
            } catch {
                for case .success(let machine) in ordered { await discard(machine.id) }
                throw error
            }
        }
    }

    /// Memory and device state are only loaded where they mean the same.
    private func checkCompatibility(of commit: Commit) throws {
        let here = domain.hypervisor.compatibility
        guard commit.hasMemory, commit.compatibility != here else { return }
        let differences = commit.compatibility.differences(from: here)
        throw VersError(
            .incompatible,
            "commit \(commit.id) was made on another kind of host: \(differences.joined(separator: ", "))",
            hint: "start it on a host like the one it was made on, or install the same QEMU here"
        )
    }
}

/// What became of one of several starts.
private struct StartOutcome: Sendable {
    var index: Int
    var result: Result<Machine, any Error>
}

extension HypervisorCompatibility {
    /// What differs, as "name: theirs here: ours".
    func differences(from other: HypervisorCompatibility) -> [String] {
        let fields: [(String, String, String)] = [
            ("hypervisor", hypervisor, other.hypervisor),
            ("version", version, other.version),
            ("machine type", machineType, other.machineType),
            ("accelerator", accelerator, other.accelerator),
            ("cpu model", cpuModel, other.cpuModel),
            ("devices", deviceSet, other.deviceSet),
        ]
        return fields.filter { $0.1 != $0.2 }.map { "\($0.0) '\($0.1)' instead of '\($0.2)'" }
    }
}

extension Machine {
    /// This record with what a start has made of it.
    func started(as other: Machine) -> Machine {
        var machine = self
        machine.state = other.state
        machine.stateReason = nil
        machine.process = other.process
        machine.activeDisk = other.activeDisk
        machine.diskLayers = other.diskLayers
        machine.startMemoryLayers = other.startMemoryLayers
        machine.markedMemoryLayers = []
        return machine
    }
}
