import Foundation
import SystemPackage
import VersAPI

extension MachineService {
    /// Starts `count` VMs from a commit. All or none.
    /// - Parameters:
    ///   - standbys: processes to use first; the call owns them, also when it throws.
    ///   - parent: the VM that the commit was just taken from, which must not be gone when its children are recorded.
    func spawn(
        _ count: Int,
        from commit: Commit,
        for principal: Principal,
        in network: NetworkChoice = .inherited,
        standbys: [Standby] = [],
        branchedFrom parent: MachineID? = nil
    ) async throws -> [MachineID] {
        await domain.registry.beginUse(of: commit.id)
        do {
            let started = try await spawnUsed(
                count,
                from: commit,
                for: principal,
                in: network,
                standbys: standbys,
                branchedFrom: parent
            )
            domain.standbys.replenish(commit.standbyRole(isBridged: network.isBridge(for: commit, principal)))
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
        in choice: NetworkChoice,
        standbys: [Standby],
        branchedFrom parent: MachineID?
    ) async throws -> [MachineID] {
        var unused = standbys
        let started: [Machine]
        do {
            let commit = try await commitRecord(commit.id, for: principal)
            try checkCompatibility(of: commit)
            // Whoever brought processes along has asked before it started them.
            if standbys.isEmpty { try await admit(count: count, memoryMiB: commit.hardware.memoryMiB) }
            if commit.hasMemory, unused.count < count {
                let role = commit.standbyRole(isBridged: choice.isBridge(for: commit, principal))
                unused += await domain.standbys.take(count - unused.count, as: role)
            }
            let parent = try await origin(of: commit, for: principal)
            // A private network of their own is named after the first.
            let firstID = unused.first?.id ?? MachineID()
            let placeless = count - unused.count(where: { $0.network != nil })
            var places = try await self.places(placeless, from: commit, for: principal, in: choice, orTreeOf: firstID)
            let children = try (0..<count).map { index in
                var standby = index < unused.count ? unused[index] : nil
                let id = index == 0 ? firstID : standby?.id
                var machine = try child(of: commit, id: id, from: parent, for: principal)
                machine.network = standby?.network ?? places.popLast()
                standby?.network = machine.network
                return Blueprint(machine: machine, standby: standby)
            }
            unused = []
            started = try await startAll(children, from: commit)
        } catch {
            await domain.standbys.abandon(unused)
            throw error
        }
        do {
            try await domain.metadata.insert(started, branchedFrom: parent)
        } catch {
            for machine in started { await discard(machine.id) }
            throw error
        }
        for machine in started { try await supervisor.confirm(machine.id) }
        domain.steps(.branchChildrenRecorded)
        return started.map(\.id)
    }

    /// A VM to be started, and the process that waits to be it.
    private struct Blueprint {
        var machine: Machine
        var standby: Standby?
    }

    /// The VM that a commit was taken from. Nil when it is none of the principal's.
    private func origin(of commit: Commit, for principal: Principal) async throws -> Machine? {
        guard commit.organisationID == principal.organisationID, let id = commit.parentMachineID else { return nil }
        return try await domain.metadata.machine(id)
    }

    /// The record of a new VM that starts from `commit`.
    /// - Parameter origin: whose ways with connections and whose variables it inherits.
    func child(
        of commit: Commit,
        id: MachineID?,
        from origin: Machine?,
        for principal: Principal
    ) throws -> Machine {
        var machine = Machine(
            id: id ?? MachineID(),
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
            traffic: origin?.traffic.ofChild ?? TrafficPolicy(),
            credentials: try domain.keys.machineCredentials(comment: "vers")
        )
        machine.environment = origin?.environment ?? [:]
        return machine
    }

    /// Starts one VM from a commit. Returns its record as it should be stored; the caller stores it.
    /// - Parameter standby: the process that becomes the VM, of the same id; the call owns it, also when it throws.
    func start(_ machine: Machine, from commit: Commit, standby: Standby?) async throws -> Machine {
        let id = machine.id
        var machine = machine
        machine.diskLayers = commit.diskLayers
        var joining: Task<Void, any Error>?
        do {
            let live: LiveMachine
            if commit.hasMemory {
                let equipped = try await equip(standby, as: machine, from: commit)
                machine.activeDisk = equipped.disk
                joining = equipped.joining
                let disk = equipped.disk ?? ""
                async let flushed: Void = domain.files.flushDisk(named: disk, of: id)
                live = try await launcher.restore(equipped.waiting, as: machine, from: commit, joining: joining)
                try await flushed
            } else {
                try await domain.files.create(id)
                let disk = try await createDisk(of: id, machine.hardware, commit.diskLayers, commit.diskMiB)
                machine.activeDisk = disk
                try await domain.files.flushDisk(named: disk, of: id)
                live = try await launcher.boot(machine)
            }
            machine.state = .running
            machine.process = live.machine.process
            machine.startMemoryLayers = commit.memoryLayers
            return machine
        } catch {
            _ = await joining?.result
            await discard(id)
            throw error
        }
    }

    /// The process that becomes the VM, with the VM's directory and disk.
    private func equip(_ standby: Standby?, as machine: Machine, from commit: Commit) async throws -> Standby {
        if let standby {
            if standby.disk != nil { return standby }
            return try await equip(standby, machine.hardware, diskLayers: commit.diskLayers, diskMiB: commit.diskMiB)
        }
        try await domain.files.create(machine.id)
        let disk = try await createDisk(of: machine.id, machine.hardware, commit.diskLayers, commit.diskMiB)
        let waiting = try await launcher.startWaiting(machine)
        try await waiting.openDisk(domain.layout.directory(of: machine.id).appending(disk))
        return Standby(id: machine.id, waiting: waiting, disk: disk)
    }

    /// Gives a process that waits the directory and the disk of its VM, and begins to give it its place in a network. On
    /// failure nothing of it is left.
    /// - Parameter diskLayers: what the disk lies over; nobody writes to them any more.
    func equip(
        _ standby: Standby,
        _ hardware: Hardware,
        diskLayers: [CommitID],
        diskMiB: Int
    ) async throws -> Standby {
        var equipped = standby
        if let network = standby.network {
            let attachment = NetworkAttachment(machineID: standby.id, network: network, names: [standby.id.text])
            // Beside everything until the VM runs, and whatever becomes of the calling task.
            equipped.joining = Task { [domain] in try await domain.networks.join(attachment) }
        }
        do {
            try await domain.files.adoptStandby(standby.id)
            equipped.disk = ""
            let disk = try await createDisk(of: standby.id, hardware, diskLayers, diskMiB)
            equipped.disk = disk
            try await standby.waiting.openDisk(domain.layout.directory(of: standby.id).appending(disk))
            return equipped
        } catch {
            await domain.standbys.abandon([equipped])
            throw error
        }
    }

    /// - Returns: the name of a new disk in the VM's directory.
    private func createDisk(
        of id: MachineID,
        _ hardware: Hardware,
        _ layers: [CommitID],
        _ sizeMiB: Int
    ) async throws -> String {
        let disk = try await domain.hypervisor.createDisk(
            in: domain.layout.directory(of: id),
            over: try await launcher.diskBase(of: hardware, layers: layers),
            sizeMiB: sizeMiB
        )
        return disk.lastComponent?.string ?? ""
    }

    /// Ends a VM that cannot be recorded, as far as it was started.
    func discard(_ id: MachineID) async {
        if let live = await domain.registry.machine(id) { await live.terminate() }
        await domain.registry.forget(id)
        await domain.removeFiles(of: id)
    }

    /// Starts every VM, a few at a time. When one fails, none is left.
    private func startAll(
        _ blueprints: [Blueprint],
        from commit: Commit
    ) async throws -> [Machine] {
        try await withThrowingTaskGroup(of: StartOutcome.self) { group in
            var outcomes: [StartOutcome] = []
            for (index, blueprint) in blueprints.enumerated() {
                if index >= domain.configuration.startConcurrency, let outcome = try await group.next() {
                    outcomes.append(outcome)
                }
                let (machine, standby) = (blueprint.machine, blueprint.standby)
                group.addTask { [self] in
                    do {
                        let started = try await start(machine, from: commit, standby: standby)
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
    func checkCompatibility(of commit: Commit) throws {
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
