import Logging
import SystemPackage
import VersAPI

/// Starts the processes of VMs: from their disk, or from a commit's memory. Every function that throws has undone
/// what it started.
struct MachineLauncher: Sendable {
    let domain: Domain
    let supervisor: MachineSupervisor

    private var registry: MachineRegistry { domain.registry }

    /// The file right under the active disk of a VM whose disk layers are `layers`.
    func diskBase(of hardware: Hardware, layers: [CommitID]) async throws -> FilePath {
        if let last = layers.last { return domain.layout.file(.disk, of: last) }
        return try await domain.images.image(named: hardware.imageName, build: hardware.imageBuild).disk
    }

    /// Starts `machine` from its disk and returns when its agent has taken its identity.
    /// - Parameters:
    ///   - environment: the variables of its organisation when nil.
    ///   - startsWorkload: whether the image's command is to run, if it has one.
    /// - Throws: ``BootFailure`` when the guest did not come up.
    func boot(
        _ machine: Machine,
        environment: [String: String]? = nil,
        startsWorkload: Bool = true
    ) async throws -> LiveMachine {
        let process: any VirtualMachine
        do {
            process = try await domain.hypervisor.boot(try await launchConfiguration(of: machine))
        } catch {
            await detach(machine)
            throw error
        }
        let live = await supervisor.supervise(process, id: machine.id)
        do {
            let session = try await live.session(deadline: .now + domain.configuration.bootDeadline)
            try await session.applyIdentity(
                try await identity(of: machine, environment: environment, dropsConnections: false)
            )
            if startsWorkload { try await startWorkload(of: machine, in: session) }
            return live
        } catch {
            let reason = (try? await process.executionState()).map { "\($0)" } ?? "its process is gone"
            await live.terminate()
            await registry.unregister(live)
            await detach(machine)
            throw BootFailure(cause: error, executionState: reason)
        }
    }

    /// Has the agent run the command of the VM's image, if it has one.
    func startWorkload(of machine: Machine, in session: any GuestSession) async throws {
        let hardware = machine.hardware
        let image = try await domain.images.image(named: hardware.imageName, build: hardware.imageBuild)
        if image.hasWorkload { try await session.startWorkload() }
    }

    /// Starts a stopped or dead VM again, from its disk. Does nothing when it has a process.
    func startFromDisk(_ id: MachineID) async throws {
        try await registry.exclusively(id) {
            guard let machine = try await domain.metadata.machine(id), machine.deletedAt == nil else {
                throw MachineService.notFound(id)
            }
            guard await registry.machine(id) == nil else { return }
            try await bootRecorded(machine)
        }
    }

    /// Boots a VM whose record exists and which the caller holds; the record follows what happens.
    func bootRecorded(_ machine: Machine) async throws {
        try await domain.metadata.update(machine.id) {
            $0.state = .booting
            $0.stateReason = nil
        }
        do {
            let live = try await bootNamed(machine)
            let process = live.machine.process
            try await domain.metadata.update(machine.id) {
                $0.state = .running
                $0.process = process
                $0.startMemoryLayers = []
                $0.markedMemoryLayers = []
            }
            try await supervisor.confirm(machine.id)
        } catch {
            let reason = (error as? VersError)?.message ?? "\(error)"
            try await domain.metadata.update(machine.id) {
                $0.state = .dead
                $0.stateReason = reason
                $0.process = nil
            }
            throw error
        }
    }

    /// Boots a VM that its user knows.
    private func bootNamed(_ machine: Machine) async throws -> LiveMachine {
        do {
            return try await boot(machine)
        } catch let failure as BootFailure {
            throw failure.error(of: "vm \(machine.id)", hint: "read its console: vers logs \(machine.id)")
        }
    }

    /// Prepares a VM's place in a private network, if it has one.
    private func prepareNetwork(of machine: Machine) async throws -> GuestTap? {
        guard machine.network != nil else { return nil }
        try await domain.networks.requireAvailable()
        return try await domain.networks.prepare(machine.id)
    }

    /// Gives a VM that place.
    private func joinNetwork(_ machine: Machine) async throws {
        if let attachment = machine.networkAttachment { try await domain.networks.join(attachment) }
    }

    /// Takes that place away, also for a task that was cancelled.
    func detach(_ machine: Machine) async {
        guard machine.network != nil else { return }
        await Task { await domain.networks.detach(machine.id) }.value
    }

    /// Starts a process that waits for the state of a commit, in the machine's directory. The VM has its place in a network
    /// when the call returns.
    func startWaiting(_ machine: Machine) async throws -> any WaitingMachine {
        let configuration = machine.hardware.shape.configuration(
            of: machine.id,
            in: domain.layout.directory(of: machine.id),
            tap: try await prepareNetwork(of: machine)
        )
        async let joined: Void = joinNetwork(machine)
        let waiting = try await domain.hypervisor.startWaiting(configuration)
        do {
            try await joined
            return waiting
        } catch {
            await waiting.abandon()
            throw error
        }
    }

    /// Gives a waiting process, whose disk is open, the state of `commit` and makes it a machine of its own. It runs when
    /// the call returns, and its agent has answered.
    /// - Parameter joining: gives the VM its place in a network, which it has before it runs.
    func restore(
        _ waiting: any WaitingMachine,
        as machine: Machine,
        from commit: Commit,
        joining: Task<Void, any Error>? = nil
    ) async throws -> LiveMachine {
        guard let stateLayer = commit.deviceStateLayer else {
            await waiting.abandon()
            throw VersError(.internal, "commit \(commit.id) has no memory to restore")
        }
        let state = SavedState(
            memoryLayers: commit.memoryLayers.map { domain.layout.file(.memory, of: $0) },
            deviceState: domain.layout.file(.deviceState, of: stateLayer)
        )
        let (isReached, reached) = AsyncStream<Never>.makeStream()
        async let opening = connect(to: machine.id, after: isReached)
        // What is sent to a machine that has rehearsed goes to the guest that it was then.
        if !waiting.hasRehearsed { reached.finish() }
        let process: any VirtualMachine
        do {
            defer { reached.finish() }
            process = try await waiting.restore(state)
        }
        domain.steps(.branchChildRestored)
        let live = await supervisor.supervise(process, id: machine.id)
        do {
            if machine.diskMiB > commit.diskMiB { try await process.growDisk(toMiB: machine.diskMiB) }
            try await joining?.value
            try await process.resume()
            let session = try await opening
            live.use(session)
            try await session.applyIdentity(try await identity(of: machine, dropsConnections: true))
            if machine.diskMiB > commit.diskMiB { _ = try await session.growRootFilesystem() }
            domain.steps(.branchChildIdentified)
            return live
        } catch {
            await live.terminate()
            await registry.unregister(live)
            throw error
        }
    }

    private func connect(to id: MachineID, after signal: AsyncStream<Never>) async throws -> any GuestSession {
        for await _ in signal {}
        try Task.checkCancellation()
        return try await domain.guests.connect(
            to: domain.hypervisor.guestChannel(in: domain.layout.directory(of: id)),
            of: id,
            deadline: .now + domain.configuration.restoreDeadline
        )
    }

    /// What a guest is told to be: with the variables that its organisation has at this moment and its own over them,
    /// unless they are given.
    func identity(
        of machine: Machine,
        environment: [String: String]? = nil,
        dropsConnections: Bool
    ) async throws -> GuestIdentity {
        let variables: [String: String]
        if let environment {
            variables = environment
        } else {
            variables = try await domain.names.variables(of: machine.organisationID)
                .merging(machine.environment) { $1 }
        }
        return machine.identity(
            entropy: try domain.keys.randomBytes(64),
            environment: variables,
            dropsConnections: dropsConnections
        )
    }

    private func launchConfiguration(of machine: Machine) async throws -> LaunchConfiguration {
        guard let disk = machine.activeDisk else {
            throw VersError(.internal, "vm \(machine.id) has no disk")
        }
        let image = try await domain.images.image(
            named: machine.hardware.imageName,
            build: machine.hardware.imageBuild
        )
        let directory = domain.layout.directory(of: machine.id)
        let tap = try await prepareNetwork(of: machine)
        try await joinNetwork(machine)
        return LaunchConfiguration(
            machineID: machine.id,
            directory: directory,
            memoryMiB: machine.hardware.memoryMiB,
            vcpuCount: machine.hardware.vcpuCount,
            kernel: image.kernel,
            initramfs: image.initramfs,
            kernelArguments: [],
            activeDisk: directory.appending(disk),
            tap: tap
        )
    }
}

/// A guest did not come up. Whose boot it was is said by whoever knows by what name its user knows it.
struct BootFailure: Error {
    var cause: any Error
    /// What had become of the process by then.
    var executionState: String

    func error(of subject: String, adding detail: String = "", hint: String? = nil) -> VersError {
        let message = (cause as? VersError)?.message ?? "\(cause)"
        return VersError(
            .unavailable,
            "\(subject) did not come up: \(message) (\(executionState))\(detail)",
            hint: hint,
            cause: cause
        )
    }
}
