import Foundation
import InstanceStore
import SystemPackage
import VersAPI
import VersCore

/// The same branch with stock QEMU: the same image, memory, devices and dirty set, on the same disk.
struct BaselineScenario: Scenario {
    static let name = "baseline"

    /// One parent and its branches.
    private struct Parent {
        var machine: StockMachine
        var session: any GuestSession
        var commandLine: StockCommandLine
        var dimensions: Dimensions
    }

    func run(in context: BenchmarkContext) async throws {
        let accelerator = try await context.instance.log.opening().accelerator
        let images = ImageDirectory(layout: InstanceLayout(home: context.instance.home))
        let image = try await images.image(named: context.options.image)
        for memory in context.options.memories {
            for dirty in context.options.dirtySets {
                Progress.say("baseline: \(memory) MiB, \(dirty) MB dirty")
                let commandLine = StockCommandLine(
                    image: image,
                    memoryMiB: memory,
                    accelerator: accelerator,
                    disk: "disk0",
                    waits: false
                )
                let dimensions = Dimensions(
                    image: context.options.image,
                    memoryMiB: memory,
                    dirtyMB: dirty,
                    start: "cold"
                )
                try await StockDisk.withDirectory(in: context.instance.home) { directory in
                    try await measure(commandLine, dimensions, in: directory, context)
                }
            }
        }
    }

    private func measure(
        _ commandLine: StockCommandLine,
        _ dimensions: Dimensions,
        in directory: FilePath,
        _ context: BenchmarkContext
    ) async throws {
        try await StockDisk.create(commandLine.disk, in: directory, over: commandLine.image.disk, format: "raw")
        let machine = try await StockMachine.start(commandLine, in: directory)
        do {
            let session = try await machine.guest(with: context.program)
            try await session.runToSuccess(GuestProgram.preparation)
            let parent = Parent(machine: machine, session: session, commandLine: commandLine, dimensions: dimensions)
            for run in 0..<context.options.baselineRuns { try await branch(parent, run: run, in: context) }
            await session.close()
        } catch {
            await machine.terminate()
            throw error
        }
        await machine.terminate()
    }

    private func branch(_ parent: Parent, run: Int, in context: BenchmarkContext) async throws {
        let dirty = GuestProgram.dirty(megabytes: parent.dimensions.dirtyMB ?? 0)
        try await parent.session.runToSuccess(dirty)
        try await context.rest()
        let directory = parent.machine.directory
        let state = directory.appending("state")
        let start = ContinuousClock.now
        let pause = try await parent.machine.save(
            to: state,
            switchingFrom: "disk\(run)",
            to: "disk\(run + 1)"
        )
        context.recorder.record(.baselinePause, pause, on: parent.dimensions)
        try await StockDisk.withDirectory(in: directory) { childDirectory in
            let base = directory.appending("disk\(run)")
            try await StockDisk.create("disk0", in: childDirectory, over: base, format: "qcow2")
            var commandLine = parent.commandLine
            commandLine.disk = "disk0"
            commandLine.waits = true
            let child = try await StockMachine.start(commandLine, in: childDirectory)
            do {
                try await child.load(from: state)
                context.recorder.record(.baselineRunning, .now - start, on: parent.dimensions)
                let session = try await child.guest()
                try await session.runToSuccess(["true"])
                context.recorder.record(.baselineAnswering, .now - start, on: parent.dimensions)
                await session.close()
            } catch {
                await child.terminate()
                throw error
            }
            await child.terminate()
        }
        let size = try FileManager.default.attributesOfItem(atPath: state.string)[.size] as? UInt64 ?? 0
        context.recorder.record(.baselineSize, Double(size) / 1_048_576, on: parent.dimensions)
    }
}

extension GuestSession {
    /// Runs a command that must succeed.
    func runToSuccess(_ command: [String]) async throws {
        let exec = try await execute(ExecRequest(command: command, exec_id: ExecID()))
        while let event = try await exec.next() {
            switch event {
            case .chunk: continue
            case .exit(code: 0, cursor: _, execID: _): return
            case .exit(let code, cursor: _, execID: _):
                throw VersError(.internal, "'\(command.joined(separator: " "))' ended with \(code)")
            case .error(let code, let message): throw VersError(code, message)
            }
        }
        throw VersError(.unavailable, "'\(command.joined(separator: " "))' was not heard of again")
    }
}
