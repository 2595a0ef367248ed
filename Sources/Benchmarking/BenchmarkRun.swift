import Foundation
import VersAPI
import VersClient

/// Measures everything that was asked for, one thing after the other.
public struct BenchmarkRun: Sendable {
    /// Those that fill the machine come last.
    private static let scenarios: [any Scenario] = [
        BootScenario(), RunScenario(), BranchScenario(), GapScenario(), CommitScenario(), MachineScenario(),
        BaselineScenario(), StreamScenario(), SSHScenario(), CopyScenario(), FanOutScenario(), LoadScenario(),
    ]

    /// What `--only` accepts.
    public static var scenarioNames: [String] { scenarios.map { type(of: $0).name } }

    private let instance: BenchmarkedInstance
    private let options: BenchmarkOptions

    public init(instance: BenchmarkedInstance, options: BenchmarkOptions) {
        self.instance = instance
        self.options = options
    }

    /// A scenario that fails does not keep the others from being measured: it is named in the report, together with
    /// what it had measured until then.
    /// - Throws: ``VersError`` when the daemon does not answer at all, or the task is cancelled.
    public func report() async throws -> BenchmarkReport {
        let startedAt = Date()
        _ = try await instance.client.version()
        let host = HostDescription.current(try await instance.log.opening(), version: instance.version)
        let context = BenchmarkContext(
            instance: instance,
            options: options,
            program: try GuestProgram(executable: options.guestProgram)
        )
        var failures: [String] = []
        for scenario in Self.scenarios {
            let name = type(of: scenario).name
            guard options.scenarios.isEmpty || options.scenarios.contains(name) else { continue }
            Progress.say("measuring: \(name)")
            do {
                try await scenario.run(in: context)
            } catch {
                try Task.checkCancellation()
                let message = (error as? VersError)?.message ?? "\(error)"
                Progress.say("\(name) failed: \(message)")
                failures.append("\(name): \(message)")
            }
        }
        try await instance.client.shutdown()
        return BenchmarkReport(
            startedAt: startedAt,
            finishedAt: Date(),
            host: host,
            runs: options.runs,
            measurements: context.recorder.measurements,
            failures: failures
        )
    }
}
