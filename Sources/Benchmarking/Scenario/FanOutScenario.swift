import VersAPI
import VersClient

/// Many children of one commit, what each costs, and what `versd` costs with all of them.
struct FanOutScenario: Scenario {
    static let name = "fan-out"

    func run(in context: BenchmarkContext) async throws {
        guard let memory = context.options.memories.first else { return }
        try await context.withMachine(memoryMiB: memory) { parent in
            let commit = try await context.client.commit(parent)
            for count in context.options.fanOuts {
                Progress.say("fan-out: \(count) children")
                try await measure(count, of: commit, memory: memory, in: context)
            }
        }
    }

    private func measure(_ count: Int, of commit: CommitID, memory: Int, in context: BenchmarkContext) async throws {
        let dimensions = Dimensions(
            image: context.options.image,
            memoryMiB: memory,
            children: count,
            start: context.options.start
        )
        let client = context.client
        try await context.rest()
        let start = ContinuousClock.now
        let children = try await client.branch(commit, count: count)
        let running = ContinuousClock.now - start
        // Figures of fewer VMs than were asked for, and of everything beside those that nobody owns, mean nothing.
        guard Set(children).count == count else {
            await delete(children, in: context)
            throw VersError(.internal, "\(Set(children).count) children were made: expected \(count)")
        }
        context.recorder.record(.fanOut, running, on: dimensions)
        context.recorder.record(.fanOutEach, running / count, on: dimensions)
        do {
            for child in children { try await context.answer(child) }
            context.recorder.record(.fanOutAnswering, .now - start, on: dimensions)
            try await measureIdle(children, on: dimensions, in: context)
        } catch {
            await delete(children, in: context)
            throw error
        }
        await delete(children, in: context)
    }

    private func measureIdle(
        _ children: [MachineID],
        on dimensions: Dimensions,
        in context: BenchmarkContext
    ) async throws {
        let daemon = context.instance.daemonPID
        try await context.rest()
        let before = try ProcessUsage.processorSeconds(of: daemon)
        let start = ContinuousClock.now
        try await Task.sleep(for: context.options.idleWindow, clock: .continuous)
        let used = try ProcessUsage.processorSeconds(of: daemon) - before
        let window = (ContinuousClock.now - start) / .seconds(1)
        context.recorder.record(.daemonCPU, used / window * 100, on: dimensions)
        let resident = try ProcessUsage.residentBytes(of: daemon)
        context.recorder.record(.daemonMemory, Double(resident) / 1_048_576, on: dimensions)
        for child in children {
            let bytes = try await ProcessUsage.privateBytes(of: child)
            context.recorder.record(.childMemory, Double(bytes) / 1_048_576, on: dimensions)
        }
    }

    private func delete(_ children: [MachineID], in context: BenchmarkContext) async {
        for child in children {
            do {
                try await context.client.deleteMachine(child)
            } catch {
                Progress.say("vm \(child) could not be deleted: \(error)")
            }
        }
    }
}
