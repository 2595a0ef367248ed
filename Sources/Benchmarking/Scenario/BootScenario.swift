import VersAPI
import VersClient

/// The first VM of an image and size, and boots from disk.
struct BootScenario: Scenario {
    static let name = "boot"

    func run(in context: BenchmarkContext) async throws {
        for memory in context.options.memories {
            let dimensions = Dimensions(image: context.options.image, memoryMiB: memory, start: "cold")
            let machine = try await context.recorder.measure(.bootCommit, on: dimensions) {
                try await context.client.createMachine(
                    context.configuration(memoryMiB: memory),
                    waitForBoot: true
                )
            }
            try await context.deleting(machine) {
                for _ in 0..<context.options.boots {
                    try await context.client.setState(of: machine, to: .stopped)
                    try await context.rest()
                    try await context.recorder.measure(.coldBoot, on: dimensions) {
                        try await context.client.setState(of: machine, to: .running)
                    }
                    try await context.answer(machine)
                }
            }
        }
    }
}
