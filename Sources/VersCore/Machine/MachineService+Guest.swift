import SystemPackage
public import VersAPI

extension MachineService {
    /// The agent of a running VM. Waits while the VM boots, unless `skipWaitBoot`.
    /// - Throws: `.conflict` with what to do when the VM is paused, sleeping, stopped or dead.
    public func guest(
        of id: MachineID,
        skipWaitBoot: Bool,
        for principal: Principal
    ) async throws -> any GuestSession {
        try await session(of: settled(id, skipWaitBoot: skipWaitBoot, for: principal))
    }

    /// - Throws: `.conflict` with what to do when the VM does not run.
    func session(of machine: Machine) async throws -> any GuestSession {
        guard machine.state == .running else {
            let hint =
                switch machine.state {
                case .paused, .sleeping:
                    "let it run on: vers resume \(machine.id), or with each connection: vers wake on \(machine.id)"
                case .stopped where machine.activeDisk == nil, .dead where machine.activeDisk == nil:
                    "it never ran: create it again with 'vers start \(machine.id)', or remove it with 'vers delete'"
                case .stopped, .dead: "start it from its disk: vers start \(machine.id)"
                case .booting, .running: "try again in a moment"
                }
            var message = "vm \(machine.id) is \(machine.state)"
            if let reason = machine.stateReason { message += ": \(reason)" }
            throw VersError(.conflict, message, hint: hint)
        }
        let live = try await live(machine)
        return try await live.session(deadline: .now + domain.configuration.agentDeadline)
    }

    /// Grows the disk and the guest's filesystem. `.invalidArgument` unless larger than now.
    public func resizeDisk(
        of id: MachineID,
        toMiB sizeMiB: Int,
        skipWaitBoot: Bool,
        for principal: Principal
    ) async throws {
        try Validation.value(sizeMiB, of: "fs_size_mib", in: DomainConfiguration.diskMiBRange)
        _ = try await settled(id, skipWaitBoot: skipWaitBoot, for: principal)
        try await domain.registry.exclusively(id) {
            let machine = try await record(id)
            guard sizeMiB > machine.diskMiB else {
                throw VersError(
                    .invalidArgument,
                    "fs_size_mib \(sizeMiB) is not larger than the present \(machine.diskMiB): disks only grow"
                )
            }
            switch machine.state {
            case .running:
                let live = try await live(machine)
                try await live.machine.growDisk(toMiB: sizeMiB)
                let session = try await live.session(deadline: .now + domain.configuration.restoreDeadline)
                _ = try await session.growRootFilesystem()
            case .stopped, .dead:
                guard let disk = machine.activeDisk else { break }
                try await domain.hypervisor.growInactiveDisk(
                    domain.layout.directory(of: id).appending(disk),
                    toMiB: sizeMiB
                )
            case .paused, .sleeping, .booting:
                throw VersError(
                    .conflict,
                    "vm \(id) is \(machine.state): its filesystem cannot be grown",
                    hint: "let it run on first: vers resume \(id)"
                )
            }
            try await domain.metadata.update(id) { $0.diskMiB = sizeMiB }
        }
    }

    /// Bytes of the serial console from `offset` on, at most `limit`.
    public func console(
        of id: MachineID,
        offset: UInt64,
        limit: Int,
        for principal: Principal
    ) async throws -> ConsoleChunk {
        _ = try await record(id, for: principal)
        return try await domain.files.console(of: id, offset: offset, limit: limit)
    }

    /// The serial console from `offset` on, as the VM writes it.
    public func followConsole(
        of id: MachineID,
        offset: UInt64,
        for principal: Principal
    ) async throws -> any ConsoleFollowing {
        _ = try await record(id, for: principal)
        return try await domain.files.followConsole(of: id, offset: offset)
    }
}
