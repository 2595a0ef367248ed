import Logging
public import VersAPI

extension MachineService {
    /// Whether connections let a VM run when it is paused or asleep, and for how long. It may be so already.
    public func setWake(_ request: WakeRequest, of id: MachineID, for principal: Principal) async throws {
        try Validation.idleTimeout(request.idle_timeout_secs)
        _ = try await record(id, for: principal)
        let machine = try await domain.metadata.update(id) { machine in
            machine.traffic.wakes = request.wake_on_traffic
            if let seconds = request.idle_timeout_secs { machine.traffic.idleTimeoutSeconds = seconds }
        }
        if machine.traffic.returnsTo != nil { domain.traffic.watch(id, for: domain.idleTime(of: machine)) }
    }

    /// Keeps a VM from resting, which a connection has woken, for as long as somebody holds what is returned.
    public func keepAwake(_ id: MachineID, for principal: Principal) async throws -> any Sendable {
        let machine = try await record(id, for: principal)
        let use = domain.traffic.use(id)
        use.idleTime = domain.idleTime(of: machine)
        return use
    }

    /// The record of a VM that runs, if a connection may see to that. Connections at once wait for the same wake.
    /// - Parameter machine: the record as of after ``TrafficLedger/use(_:)``.
    func awake(_ machine: Machine, _ use: TrafficUse) async throws -> Machine {
        guard machine.traffic.wakes, use.mustWait || [.paused, .sleeping].contains(machine.state) else {
            return machine
        }
        let id = machine.id
        // Not a part of the caller's task, which is awaited here all the same: a client that gives up must not undo what
        // others wait for.
        return try await Task {
            try await domain.registry.exclusively(id) {
                let machine = try await record(id)
                guard machine.traffic.wakes, [.paused, .sleeping].contains(machine.state) else { return machine }
                let state = machine.state
                // As for whoever lets it run by a key: a paused VM is running already, for that matter.
                if state == .sleeping {
                    try await requireLimits(ofKey: machine.ownerID, count: 0, hardware: machine.hardware)
                }
                domain.logger.info("traffic wakes vm", metadata: ["vm.id": "\(id)", "vm.state": "\(state)"])
                // First, so that a daemon that is ended in between still knows why the VM runs.
                let noted = try await domain.metadata.update(id) { $0.traffic.returnsTo = state }
                if state == .paused { try await resume(noted) } else { try await wake(noted) }
                return try await record(id)
            }
        }.value
    }

    /// Brings a VM that a connection has woken back to the state it was in, unless somebody uses or wants it.
    func rest(_ id: MachineID) async throws {
        guard try await record(id).traffic.returnsTo != nil else { return }
        try await domain.registry.exclusively(id) {
            let machine = try await record(id)
            guard machine.state == .running, machine.traffic.wakes, let state = machine.traffic.returnsTo,
                domain.traffic.isUnused(id)
            else { return }
            domain.logger.info("vm is idle", metadata: ["vm.id": "\(id)", "vm.state": "\(state)"])
            if state == .paused { try await pause(machine) } else { try await sleep(machine) }
            try await domain.metadata.update(id) { $0.traffic.returnsTo = nil }
        }
    }
}
