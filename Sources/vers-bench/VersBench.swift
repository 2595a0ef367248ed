import ArgumentParser
import Benchmarking
import Foundation
import SystemPackage

/// Measures an instance of Vers. `Benchmarks/run.sh` makes one for the purpose.
@main
struct VersBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vers-bench",
        abstract: "Measure branches, starts, commits and commands of a running instance.",
        discussion: """
            The instance should be one that nothing else uses: see Benchmarks/run.sh. What each figure means is \
            told in docs/performance.md.
            """
    )

    @Option(help: "VERS_HOME of the instance; its versd logs to versd.log there.")
    var home: String

    @Option(help: "Benchmarks/guest/bench-guest.c, linked statically.")
    var guestProgram: String

    @Option(help: "The program vers.")
    var vers: String

    @Option(help: "Image of the guests.")
    var image = "default"

    @Option(help: "How often each thing is measured.")
    var runs = 30

    @Option(help: "MiB of guests' memory, comma-separated.")
    var memory = "512,4096"

    @Option(help: "Megabytes changed between two branches, comma-separated.")
    var dirty = "20,200"

    @Option(help: "Numbers of children of one commit, comma-separated.")
    var children = "10,30"

    @Option(help: "Numbers of connections into a guest at once, comma-separated.")
    var connections = "1,100"

    @Option(help: "Cold boots of each size of memory.")
    var boots = 5

    @Option(help: "Branches with stock QEMU of each dimension.")
    var baselineRuns = 10

    @Option(help: "What the instance's versd was given as --standby: the table tells it.")
    var standby = 2

    @Option(help: "Measure only this: \(BenchmarkRun.scenarioNames.joined(separator: ", ")). May be repeated.")
    var only: [String] = []

    @Flag(help: "Few runs of the smallest dimensions: shows that everything works.")
    var quick = false

    @Option(help: "File for the results as JSON.")
    var output: String

    func validate() throws {
        guard (1...100_000).contains(runs) else {
            throw ValidationError("invalid --runs \(runs): expected 1 to 100000")
        }
        guard (0...1000).contains(boots) else { throw ValidationError("invalid --boots \(boots): expected 0 to 1000") }
        guard (1...1000).contains(baselineRuns) else {
            throw ValidationError("invalid --baseline-runs \(baselineRuns): expected 1 to 1000")
        }
        for name in only where !BenchmarkRun.scenarioNames.contains(name) {
            let names = BenchmarkRun.scenarioNames.joined(separator: ", ")
            throw ValidationError("unknown --only '\(name)': expected one of \(names)")
        }
        _ = try options()
    }

    func run() async throws {
        let instance = try BenchmarkedInstance(home: FilePath(home))
        let report = try await BenchmarkRun(instance: instance, options: try options()).report()
        try report.json().write(to: URL(filePath: output), options: .atomic)
        print(MarkdownReport(report).text)
        guard report.failures.isEmpty else { throw ExitCode.failure }
    }

    private func options() throws -> BenchmarkOptions {
        var options = BenchmarkOptions(guestProgram: FilePath(guestProgram), vers: FilePath(vers))
        options.image = image
        options.runs = runs
        options.memories = try numbers(memory, of: "--memory")
        options.dirtySets = try numbers(dirty, of: "--dirty")
        options.fanOuts = try numbers(children, of: "--children")
        options.connections = try numbers(connections, of: "--connections")
        options.boots = boots
        options.baselineRuns = baselineRuns
        options.standbyCount = standby
        options.scenarios = Set(only)
        if quick { options.reduce() }
        return options
    }

    private func numbers(_ text: String, of option: String) throws -> [Int] {
        try text.split(separator: ",").map { part in
            guard let number = Int(part), number > 0 else {
                throw ValidationError("invalid \(option) '\(text)': expected numbers such as 512,4096")
            }
            return number
        }
    }
}
