import Logging
import VersAPI

/// Watches every VM with a process and records what happens to it, at once.
final class MachineSupervisor: Sendable {
    private let domain: Domain

    init(domain: Domain) { self.domain = domain }

    /// Registers the process and follows its events until it ends.
    func supervise(_ process: any VirtualMachine, id: MachineID) async -> LiveMachine {
        let live = LiveMachine(
            id: id,
            machine: process,
            connector: domain.guests,
            isRunning: { [self] in await isMeantToRun(id) },
            introduce: { [self] session in try await introduce(id, to: session) }
        )
        await domain.registry.register(live)
        let events = process.events()
        domain.background.start { [self] in
            for await event in events { await handle(event, of: live) }
        }
        return live
    }

    /// As it is recorded: the monitor may hang with its guest.
    private func isMeantToRun(_ id: MachineID) async -> Bool {
        // What cannot be read, or is not recorded yet, was started to run.
        guard let machine = try? await domain.metadata.machine(id) else { return true }
        return machine.state == .running
    }

    /// Tells an agent that was started again whose it is. That of a VM which is not up yet is told by whoever brings it up.
    private func introduce(_ id: MachineID, to session: any GuestSession) async throws {
        guard let machine = try await domain.metadata.machine(id), machine.state == .running else { return }
        let launcher = MachineLauncher(domain: domain, supervisor: self)
        try await session.applyIdentity(try await launcher.identity(of: machine, dropsConnections: false))
    }

    private func handle(_ event: VirtualMachineEvent, of live: LiveMachine) async {
        var logger = domain.logger
        logger[metadataKey: "vm.id"] = "\(live.id)"
        if event.isEnd { live.noteHalt() }
        guard !live.isExitExpected else { return }
        logger.info("vm event", metadata: ["vm.event": "\(event)"])
        do {
            switch event {
            case .guestPoweredOff:
                try await end(live, as: .stopped, reason: "the guest powered off")
            case .guestPanicked:
                try await end(live, as: .dead, reason: "the guest's kernel panicked")
            case .guestReset:
                try await end(live, as: .stopped, reason: "the guest asked for a reboot")
                await restart(live.id, logger: logger)
            // What it was doing for the host is lost, and fails now.
            case .agentPortChanged(let time): await live.agentChanged(at: time)
            case .diskFailed(let message):
                try await domain.metadata.update(live.id) {
                    $0.state = .paused
                    $0.stateReason = "the host could not serve its disk: \(message)"
                }
            case .exited(let status):
                try await end(live, as: .dead, reason: "its process ended unexpectedly: \(status)")
            }
        } catch let error as VersError where error.code == .notFound {
            // A VM that is not recorded yet: whoever starts it learns of the failure by itself.
            await live.terminate()
        } catch {
            logger.error("vm event could not be recorded", metadata: ["error": "\(error)"])
        }
    }

    /// To be called after a VM was recorded as running: when its process ended before that, the event found no record
    /// to change, or one that was overwritten.
    func confirm(_ id: MachineID) async throws {
        guard await domain.registry.machine(id) == nil else { return }
        try await domain.metadata.update(id) {
            guard $0.deletedAt == nil, $0.state == .running else { return }
            $0.state = .dead
            $0.stateReason = "its process ended as soon as it ran"
            $0.process = nil
            $0.startMemoryLayers = []
        }
        await domain.networks.detach(id)
    }

    /// Records the end of a process and makes sure of it.
    private func end(_ live: LiveMachine, as state: MachineState, reason: String) async throws {
        await domain.registry.unregister(live)
        // Before anybody may start it again and give it its place anew.
        await domain.networks.detach(live.id)
        try await domain.metadata.update(live.id) {
            $0.state = state
            $0.stateReason = reason
            $0.process = nil
            $0.startMemoryLayers = []
            $0.markedMemoryLayers = []
        }
        await live.terminate()
    }

    /// A reboot inside the guest is a new start from the disk.
    private func restart(_ id: MachineID, logger: Logger) async {
        do {
            try await MachineLauncher(domain: domain, supervisor: self).startFromDisk(id)
        } catch {
            logger.error("vm could not be started again", metadata: ["error": "\(error)"])
        }
    }
}

extension VirtualMachineEvent {
    /// Whether the guest does not run after it.
    fileprivate var isEnd: Bool {
        switch self {
        case .guestPoweredOff, .guestReset, .guestPanicked, .exited: true
        case .agentPortChanged, .diskFailed: false
        }
    }
}
