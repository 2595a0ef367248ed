import VersAPI
import VersClient

/// New VMs from the boot commit of their image and size: what `vers run` asks for.
struct RunScenario: Scenario {
    static let name = "run"

    func run(in context: BenchmarkContext) async throws {
        for memory in context.options.memories {
            let configuration = context.configuration(memoryMiB: memory)
            let dimensions = Dimensions(image: context.options.image, memoryMiB: memory, start: context.options.start)
            // Makes the boot commit when nothing else has.
            let first = try await context.client.createMachine(configuration, waitForBoot: true)
            try await context.client.deleteMachine(first)
            for _ in 0..<context.options.runs {
                try await context.rest()
                let start = ContinuousClock.now
                let machine = try await context.client.createMachine(configuration, waitForBoot: true)
                context.recorder.record(.run, .now - start, on: dimensions)
                try await context.deleting(machine) {
                    try await context.answer(machine)
                    context.recorder.record(.runAnswering, .now - start, on: dimensions)
                }
            }
        }
    }
}
