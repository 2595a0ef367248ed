import VersAPI
import VersClient

/// Many requests at once, with many VMs and a long history; and what followed commands cost the daemon.
struct LoadScenario: Scenario {
    static let name = "load"

    private static let callers = [1, 8]

    func run(in context: BenchmarkContext) async throws {
        let options = context.options
        guard let memory = options.memories.first else { return }
        let dimensions = Dimensions(image: options.image, memoryMiB: memory, children: options.loadMachines)
        try await context.withMachine(memoryMiB: memory) { parent in
            _ = try await context.client.branch(parent, count: options.loadMachines)
            // The parent of all is as idle as they are, but the only one whose deletion is not ours.
            let machines = try await context.client.machines().map(\.vm_id).filter { $0 != parent }
            try await measureReading("", on: dimensions, in: context)
            Progress.say("load: \(options.loadHistory) deleted VMs")
            try await DeletedMachines.insert(options.loadHistory, into: context.instance.home)
            try await measureReading(" after \(options.loadHistory) deleted", on: dimensions, in: context)
            try await measureCommands(in: machines, on: dimensions, in: context)
            try await measureStreams(in: machines, on: dimensions, in: context)
        }
    }

    /// `/health` asks nothing of the database: what it takes is the way through HTTP.
    private func measureReading(
        _ situation: String,
        on dimensions: Dimensions,
        in context: BenchmarkContext
    ) async throws {
        let (client, count) = (context.client, context.options.loadRequests)
        for callers in Self.callers {
            let health = Load(
                "health\(situation.isEmpty ? "" : ".history")",
                "GET /health\(situation)",
                callers: callers
            )
            try await health.measure(count, on: dimensions, in: context) { _ in _ = try await client.health() }
            let list = Load("vms\(situation.isEmpty ? "" : ".history")", "GET /vms\(situation)", callers: callers)
            try await list.measure(count, on: dimensions, in: context) { _ in _ = try await client.machines() }
        }
    }

    /// Every caller has a VM of its own: under software emulation, one processor of a guest is the limit of its commands.
    private func measureCommands(
        in machines: [MachineID],
        on dimensions: Dimensions,
        in context: BenchmarkContext
    ) async throws {
        for callers in Self.callers {
            let load = Load("exec", "exec of `true`", callers: min(callers, machines.count))
            for machine in machines.prefix(callers) {
                for _ in 0..<MachineScenario.warmUps { try await context.answer(machine) }
            }
            try await load.measure(context.options.runs * callers, on: dimensions, in: context) { caller in
                try await context.answer(machines[caller])
            }
        }
    }

    /// Followed commands that say something every second, and then one more that floods its stream, which nobody reads.
    private func measureStreams(
        in machines: [MachineID],
        on dimensions: Dimensions,
        in context: BenchmarkContext
    ) async throws {
        try await watch(.quietMemory, on: dimensions, in: context)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<context.options.loadStreams {
                let command = ExecRequest(command: GuestProgram.tick(every: .seconds(1)))
                let stream = try await context.client.stream(command, in: machines[number % machines.count])
                group.addTask { for try await _ in stream {} }
            }
            try await watch(.streamMemory, on: dimensions, in: context)
            let flood = try await context.client.stream(ExecRequest(command: ["yes"]), in: machines[0])
            try await watch(.unreadMemory, on: dimensions, in: context)
            try await context.client.signal(9, to: flood.execID, in: machines[0])
            group.cancelAll()
        }
    }

    private func watch(_ metric: Metric, on dimensions: Dimensions, in context: BenchmarkContext) async throws {
        let end = ContinuousClock.now + context.options.idleWindow
        while ContinuousClock.now < end {
            let resident = try ProcessUsage.residentBytes(of: context.instance.daemonPID)
            context.recorder.record(metric, Double(resident) / 1_048_576, on: dimensions)
            try await context.rest()
        }
    }
}
