import VersAPI
import VersClient

/// What is done to one VM that runs: pause, resume, exec.
struct MachineScenario: Scenario {
    static let name = "machine"

    /// Run before anything is measured: under software emulation the first runs of a program translate its code.
    static let warmUps = 5

    func run(in context: BenchmarkContext) async throws {
        for memory in context.options.memories {
            let dimensions = Dimensions(image: context.options.image, memoryMiB: memory)
            Progress.say("machine: \(memory) MiB")
            try await context.withMachine(memoryMiB: memory) { machine in
                for _ in 0..<Self.warmUps { try await context.answer(machine) }
                for _ in 0..<context.options.runs {
                    try await context.recorder.measure(.exec, on: dimensions) {
                        try await context.answer(machine)
                    }
                }
                for _ in 0..<context.options.runs {
                    try await context.recorder.measure(.pauseCall, on: dimensions) {
                        try await context.client.setState(of: machine, to: .paused)
                    }
                    try await context.recorder.measure(.resumeCall, on: dimensions) {
                        try await context.client.setState(of: machine, to: .running)
                    }
                }
            }
        }
    }
}
