import VersAPI
import VersClient

/// The pause as it is seen from outside the engine: the longest silence of a guest that ticks.
///
/// Apart from ``BranchScenario``, because a ticking guest uses processor time that the engine's own measurement would
/// notice.
struct GapScenario: Scenario {
    static let name = "gap"

    func run(in context: BenchmarkContext) async throws {
        for memory in context.options.memories {
            for dirty in context.options.dirtySets {
                Progress.say("gap: \(memory) MiB, \(dirty) MB dirty")
                try await context.withMachine(memoryMiB: memory) { parent in
                    try await GuestTicker.with(parent, of: context.client, every: context.options.tickInterval) {
                        try await measure(parent, $0, memory: memory, dirty: dirty, in: context)
                    }
                }
            }
        }
    }

    private func measure(
        _ parent: MachineID,
        _ ticks: TickRecorder,
        memory: Int,
        dirty: Int,
        in context: BenchmarkContext
    ) async throws {
        let dimensions = Dimensions(
            image: context.options.image,
            memoryMiB: memory,
            dirtyMB: dirty,
            start: context.options.start
        )
        let client = context.client
        for _ in 0..<context.options.runs {
            try await client.runToSuccess(GuestProgram.dirty(megabytes: dirty), in: parent)
            let quiet = ContinuousClock.now
            ticks.forget(before: quiet)
            try await context.rest()
            let start = ContinuousClock.now
            let children = try await client.branch(parent)
            let end = ContinuousClock.now
            for child in children { try await client.deleteMachine(child) }
            guard
                let silence = ticks.longestGap(from: start, to: end),
                let noise = ticks.longestGap(from: quiet, to: start)
            else { throw VersError(.unavailable, "vm \(parent) was not heard of") }
            context.recorder.record(.gap, silence, on: dimensions)
            context.recorder.record(.quietGap, noise, on: dimensions)
        }
    }
}
