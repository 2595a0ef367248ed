import VersAPI
import VersClient

/// Commits of a running VM, and VMs from them: `vers commit` and `vers run-commit`.
struct CommitScenario: Scenario {
    static let name = "commit"

    func run(in context: BenchmarkContext) async throws {
        for memory in context.options.memories {
            for dirty in context.options.dirtySets {
                Progress.say("commit: \(memory) MiB, \(dirty) MB dirty")
                try await context.withMachine(memoryMiB: memory) { machine in
                    for _ in 0..<context.options.runs {
                        try await measure(machine, memory: memory, dirty: dirty, in: context)
                    }
                }
            }
        }
    }

    private func measure(_ machine: MachineID, memory: Int, dirty: Int, in context: BenchmarkContext) async throws {
        let dimensions = Dimensions(
            image: context.options.image,
            memoryMiB: memory,
            dirtyMB: dirty,
            start: context.options.start
        )
        let client = context.client
        try await client.runToSuccess(GuestProgram.dirty(megabytes: dirty), in: machine)
        try await context.rest()
        let commit = try await context.recorder.measure(.commit, on: dimensions) {
            try await client.commit(machine)
        }
        try await context.rest()
        let start = ContinuousClock.now
        let copy = try await client.createMachine(from: commit)
        context.recorder.record(.runCommit, .now - start, on: dimensions)
        try await context.deleting(copy) {
            try await context.answer(copy)
            context.recorder.record(.runCommitAnswering, .now - start, on: dimensions)
        }
    }
}
