import Foundation
import Logging
public import VersAPI

extension MachineService {
    /// Creates a root VM.
    /// - Parameter waitForBoot: false returns as soon as the VM is recorded, in state `booting`.
    public func create(
        _ configuration: MachineConfiguration,
        waitForBoot: Bool,
        for principal: Principal
    ) async throws -> MachineID {
        let name = configuration.image_name ?? MachineConfiguration.defaultImageName
        let image = try await ImageCatalogue(domain: domain).image(named: name, for: principal)
        return try await domain.imageUses.whileUsing(image) {
            try await create(configuration, image: image, waitForBoot: waitForBoot, for: principal)
        }
    }

    private func create(
        _ configuration: MachineConfiguration,
        image: BaseImage,
        waitForBoot: Bool,
        for principal: Principal
    ) async throws -> MachineID {
        let plan = try await plan(configuration, image: image)
        try await requireLimits(of: principal, count: 1, hardware: plan.hardware)
        let id = MachineID()
        let boot = try await bootCommits.existing(for: plan.hardware)
        let isBridged = configuration.network?.mode == .bridge
        let role = StandbyRole(shape: plan.hardware.shape, bootCommit: boot?.id, isBridged: isBridged)
        return try await domain.standbys.lend(await domain.standbys.take(1, as: role).first) { standby in
            let network = try await self.network(configuration.network, inTreeOf: standby.id ?? id)
            standby.choose(network)
            var machine = Machine(
                id: standby.id ?? id,
                ownerID: principal.keyID,
                organisationID: principal.organisationID,
                createdAt: Date(),
                state: .booting,
                labels: configuration.labels,
                hardware: plan.hardware,
                diskMiB: plan.diskMiB,
                parentCommitID: nil,
                parentMachineID: nil,
                network: network,
                traffic: TrafficPolicy(
                    wakes: configuration.wake_on_traffic ?? false,
                    idleTimeoutSeconds: configuration.idle_timeout_secs
                ),
                credentials: try domain.keys.machineCredentials(comment: "vers")
            )
            machine.isPrivate = configuration.is_private ?? false
            machine.environment = configuration.env ?? [:]
            guard waitForBoot else {
                try await domain.metadata.insert([machine])
                domain.steps(.createRecorded)
                try await bringUpInBackground(machine, standby: standby.take())
                return machine.id
            }
            try await bringUp(machine, image: image, booted: boot, standby: standby) {
                try await domain.metadata.insert([$0])
                domain.steps(.createRecorded)
            }
            return machine.id
        }
    }

    /// Starts a VM from a commit. The VM is `running` when the call returns.
    /// - Parameter network: nil: as the VM had that the commit was taken from. A private network is that of the commit's
    ///   tree, or one of its own when the commit has none.
    public func create(
        from commit: CommitID,
        network: NetworkConfiguration? = nil,
        for principal: Principal
    ) async throws -> MachineID {
        let source = try await commitRecord(commit, for: principal)
        try await requireLimits(of: principal, count: 1, hardware: source.hardware)
        let choice = try await networkChoice(network)
        guard let id = try await spawn(1, from: source, for: principal, in: choice).first else {
            throw VersError(.internal, "commit \(commit) started no vm")
        }
        return id
    }

    /// Finishes the creation or the start of a VM that was recorded as `booting` first: at once, or by a later daemon, as soon
    /// as its background work runs. The VM is held from here on, so that whoever asks for it waits for it.
    /// - Parameter standby: the process that becomes the VM, of the same id; the call owns it.
    func bringUpInBackground(_ machine: Machine, standby: Standby? = nil) async throws {
        let lock = await domain.registry.lock(machine.id)
        try await lock.acquire()
        domain.background.start { [self] in
            // Still held when a failure is recorded: whoever waits is to find out what became of the VM.
            defer { lock.release() }
            await domain.standbys.lend(standby) { standby in
                do {
                    try await bringUp(recorded: machine, standby: standby)
                } catch {
                    // A start that was cut off because the daemon ends is the next one's to finish.
                    if !Task.isCancelled { await recordFailure(of: machine, error) }
                }
            }
        }
    }

    /// Repeats the creation of a VM that is recorded and never ran, and which the caller holds.
    func createAgain(_ machine: Machine) async throws {
        try await admit(count: 1, memoryMiB: machine.hardware.memoryMiB)
        try await domain.metadata.update(machine.id) {
            $0.state = .booting
            $0.stateReason = nil
        }
        do {
            try await domain.standbys.lend(nil) { try await bringUp(recorded: machine, standby: $0) }
        } catch {
            // Also for whoever has given up: nobody else would finish it.
            await Task { await recordFailure(of: machine, error) }.value
            throw error
        }
    }

    private func bringUp(recorded machine: Machine, standby: StandbyClaim) async throws {
        guard machine.activeDisk == nil else { return try await launcher.bootRecorded(machine) }
        let hardware = machine.hardware
        let image = try await domain.images.image(named: hardware.imageName, build: hardware.imageBuild)
        // An earlier attempt's; a process that waits has its own, under the VM's name.
        if standby.id == nil { await domain.removeFiles(of: machine.id) }
        try await bringUp(machine, image: image, standby: standby) { started in
            try await domain.metadata.update(machine.id) { $0 = $0.started(as: started) }
        }
    }

    private func recordFailure(of machine: Machine, _ error: any Error) async {
        let reason = (error as? VersError)?.message ?? "\(error)"
        domain.logger.error("vm did not come up", metadata: ["vm.id": "\(machine.id)", "error": "\(error)"])
        do {
            try await domain.metadata.update(machine.id) {
                $0.state = .dead
                $0.stateReason = reason
            }
        } catch {
            domain.logger.error(
                "failure could not be recorded",
                metadata: ["vm.id": "\(machine.id)", "error": "\(error)"]
            )
        }
    }

    private struct Plan {
        var hardware: Hardware
        var diskMiB: Int
    }

    /// Checks what was asked for against the limits, the image and the host.
    private func plan(_ configuration: MachineConfiguration, image: BaseImage) async throws -> Plan {
        let memoryMiB = configuration.mem_size_mib ?? MachineConfiguration.defaultMemoryMiB
        let vcpuCount = configuration.vcpu_count ?? MachineConfiguration.defaultVCPUCount
        try Validation.value(memoryMiB, of: "mem_size_mib", in: DomainConfiguration.memoryMiBRange)
        try Validation.value(vcpuCount, of: "vcpu_count", in: DomainConfiguration.vcpuCountRange)
        if let labels = configuration.labels {
            try Validation.labels(labels)
            if configuration.network?.mode == .bridge { try Validation.networkName(in: labels) }
        }
        try EnvironmentService.check(configuration.env ?? [:])
        try Validation.idleTimeout(configuration.idle_timeout_secs)
        let kernel = configuration.kernel_name ?? MachineConfiguration.defaultKernelName
        guard kernel == MachineConfiguration.defaultKernelName else {
            throw VersError(
                .notFound,
                "kernel not found: '\(kernel.prefix(80))', expected '\(MachineConfiguration.defaultKernelName)'",
                hint: "every image brings its own kernel: leave kernel_name out"
            )
        }
        let diskMiB = configuration.fs_size_mib ?? max(MachineConfiguration.defaultDiskMiB, image.diskMiB)
        try Validation.value(diskMiB, of: "fs_size_mib", in: DomainConfiguration.diskMiBRange)
        guard diskMiB >= image.diskMiB else {
            throw VersError(
                .invalidArgument,
                "fs_size_mib \(diskMiB) is too small for image '\(image.name)': expected at least \(image.diskMiB)"
            )
        }
        try await admit(count: 1, memoryMiB: memoryMiB)
        return Plan(
            hardware: Hardware(
                memoryMiB: memoryMiB,
                vcpuCount: vcpuCount,
                imageName: image.name,
                imageBuild: image.build
            ),
            diskMiB: diskMiB
        )
    }

    /// Refuses what the principal's key may not make or start.
    /// - Parameter count: of VMs that are new. Recording them counts again, so that requests at once keep the limit.
    func requireLimits(of principal: Principal, count: Int, hardware: Hardware) async throws {
        try await requireLimits(ofKey: principal.keyID, count: count, hardware: hardware)
    }

    /// The same for whoever owns a VM, when nobody asks for anything by a key.
    func requireLimits(ofKey id: KeyID, count: Int, hardware: Hardware) async throws {
        guard let limits = try await domain.accounts.key(id)?.limits else { return }
        try limits.admit(memoryMiB: hardware.memoryMiB, vcpuCount: hardware.vcpuCount)
        guard limits.machines != nil, count > 0 else { return }
        try limits.admit(machines: try await domain.accounts.machineCount(of: id) + count)
    }

    /// Refuses new VMs that the host cannot carry.
    ///
    /// Memory is copied on write, so what counts is not the sum of sizes but what the VMs will touch soon.
    func admit(count: Int, memoryMiB: Int) async throws {
        let total = try await domain.host.totalMemoryMiB()
        guard memoryMiB <= total else {
            throw VersError(
                .invalidArgument,
                "mem_size_mib \(memoryMiB) is more than this host has: expected at most \(total)"
            )
        }
        let available = try await domain.host.availableMemoryMiB()
        let needed =
            domain.configuration.reservedMemoryMiB
            + count * min(memoryMiB, domain.configuration.expectedMachineMemoryMiB)
        guard available >= needed else {
            throw VersError(
                .resourceExhausted,
                "the host has \(available) MiB of memory available, \(count) new vm(s) need \(needed) MiB",
                hint: "stop or delete VMs that you no longer need: vers status"
            )
        }
        try await domain.ensureDiskSpace()
    }

    /// Starts a root VM from the booted state of its image and hands the running VM to `record`. What fails before it is
    /// recorded leaves nothing of it; afterwards its directory is its record's.
    /// - Parameter booted: that state, where it was looked up already.
    private func bringUp(
        _ machine: Machine,
        image: BaseImage,
        booted: Commit? = nil,
        standby: StandbyClaim,
        record: (Machine) async throws -> Void
    ) async throws {
        let boot: Commit
        if let booted {
            boot = booted
        } else {
            boot = try await bootCommits.commit(for: machine.hardware, image: image)
        }
        let started = try await start(machine, from: boot, standby: standby.take())
        domain.standbys.replenish(boot.standbyRole(isBridged: machine.network != nil))
        domain.steps(.createStarted)
        do {
            try await startWorkload(of: started)
            try await record(started)
        } catch {
            await discard(started.id)
            throw error
        }
        try await supervisor.confirm(started.id)
    }

    /// A booted state has not run the image's command yet.
    private func startWorkload(of machine: Machine) async throws {
        guard let live = await domain.registry.machine(machine.id) else { return }
        let session = try await live.session(deadline: .now + domain.configuration.restoreDeadline)
        try await launcher.startWorkload(of: machine, in: session)
    }
}
