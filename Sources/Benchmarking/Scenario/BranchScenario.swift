import VersAPI
import VersClient

/// Branches of one running VM, with a known set of pages changed since the last.
struct BranchScenario: Scenario {
    static let name = "branch"

    func run(in context: BenchmarkContext) async throws {
        for memory in context.options.memories {
            for dirty in context.options.dirtySets {
                let dimensions = Dimensions(
                    image: context.options.image,
                    memoryMiB: memory,
                    dirtyMB: dirty,
                    start: context.options.start
                )
                Progress.say("branch: \(memory) MiB, \(dirty) MB dirty")
                try await context.withMachine(memoryMiB: memory) { parent in
                    // The first branch of a VM holds what its start dirtied, too.
                    try await branch(parent, dirty: dirty, in: context) { _, _ in }
                    for _ in 0..<context.options.runs {
                        try await branch(parent, dirty: dirty, in: context) { metric, value in
                            context.recorder.record(metric, value, on: dimensions)
                        }
                    }
                }
            }
        }
    }

    private func branch(
        _ parent: MachineID,
        dirty: Int,
        in context: BenchmarkContext,
        record: (Metric, Double) -> Void
    ) async throws {
        let client = context.client
        try await client.runToSuccess(GuestProgram.dirty(megabytes: dirty), in: parent)
        try await context.rest()
        let start = ContinuousClock.now
        let children = try await client.branch(parent)
        let running = ContinuousClock.now - start
        guard let child = children.first else { throw VersError(.internal, "a branch made no child") }
        try await context.deleting(child) {
            try await context.answer(child)
            let answering = ContinuousClock.now - start
            guard let commit = try await client.machine(child).parent_commit_id else {
                throw VersError(.internal, "child \(child) has no parent commit")
            }
            let freeze = try await context.instance.log.freeze(of: commit)
            record(.branchRunning, running / .milliseconds(1))
            record(.branchAnswering, answering / .milliseconds(1))
            record(.pause, freeze.pauseMilliseconds)
            for step in freeze.steps { record(.step(step.name), step.milliseconds) }
            if let ahead = freeze.layerAheadMilliseconds { record(.layerAhead, ahead) }
            record(.layer, freeze.layerMilliseconds)
            record(.layerSize, Double(freeze.layerBytes) / 1_048_576)
        }
    }
}
