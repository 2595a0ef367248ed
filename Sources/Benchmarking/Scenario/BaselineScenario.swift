import VersAPI

/// The same branch with stock QEMU.
struct BaselineScenario: Scenario {
    static let name = "baseline"

    func run(in context: BenchmarkContext) async throws {}
}
