internal import ArgumentParser
internal import EngineTestSupport
internal import HostSystem
internal import SystemPackage
internal import VersAPI
internal import VersCore

/// Prints what a branch costs, part by part.
struct Measure: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Measure the parent's pause and the child's start.")

    @OptionGroup var place: Place

    @Option(help: "MiB of guest memory that are rewritten before every branch.")
    var dirty = 20

    @Option(help: "How many branches.")
    var runs = 30

    func run() async throws {
        let engine = try await place.engine()
        let booted = try await engine.bootedCommit()
        var samples: [String: [Duration]] = [:]
        var order: [String] = []
        func note(_ name: String, _ duration: Duration) {
            if samples[name] == nil { order.append(name) }
            samples[name, default: []].append(duration)
        }
        try await TestMachine.withChild(of: booted, on: engine) { parent in
            // A copy, byte by byte of real content: a generator in the guest's shell would take seconds each time.
            try await parent.shell.run(
                "dd if=/dev/urandom of=/tmp/source bs=1M count=\(dirty) 2>/dev/null",
                timeout: .seconds(600)
            )
            var before = booted
            for round in 0..<runs {
                try await parent.shell.run("rm -f /tmp/blob; cp /tmp/source /tmp/blob", timeout: .seconds(120))
                let delta: MemoryDelta = round == 0 ? .sinceStart : .since(mark: before.id)
                let commit = try await TestCommit.freeze(parent.vm, root: engine.root, parent: before, delta: delta)
                note("pause", commit.report.pause)
                for step in commit.report.steps { note("  \(step.name)", step.duration) }
                note("layer written", commit.layer.duration)
                let start = ContinuousClock.now
                let child = try await TestMachine.restore(commit, on: engine)
                try await child.vm.resume()
                note("child started and loaded", .now - start)
                if round == runs - 1, let bytes = ProcessTable.privateBytes(of: child.vm.process.pid) {
                    print("private memory of the last child: \(bytes >> 20) MiB")
                }
                await child.vm.terminate()
                before = commit
            }
        }
        print("\(place.memory) MiB, \(dirty) MiB dirty, \(runs) runs, \(engine.hypervisor.accelerator.name)")
        print("                              p50      p90      p99      max   ms")
        for name in order { print(row(name, samples[name] ?? [])) }
    }

    private func row(_ name: String, _ samples: [Duration]) -> String {
        let sorted = samples.sorted()
        let values = [0.5, 0.9, 0.99, 1].map { share in
            sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
        }
        let cells = values.map { value in
            let microseconds = value.components.seconds * 1_000_000 + value.components.attoseconds / 1_000_000_000_000
            let text = "\(microseconds / 1000).\(String(microseconds % 1000 / 10 + 100).dropFirst())"
            return String(repeating: " ", count: max(0, 9 - text.count)) + text
        }
        return name + String(repeating: " ", count: max(0, 24 - name.count)) + cells.joined()
    }
}
