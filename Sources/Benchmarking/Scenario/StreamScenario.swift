import InstanceStore
import SystemPackage
import VersAPI
import VersCore

/// TCP connections into a guest: through its agent's channel, and by the port forwarding of QEMU's user-mode network, to
/// the same service of the same guest in turns.
struct StreamScenario: Scenario {
    static let name = "streams"
    private static let guestPort: UInt16 = 7000

    func run(in context: BenchmarkContext) async throws {
        let images = ImageDirectory(layout: InstanceLayout(home: context.instance.home))
        let memory = context.options.memories.min() ?? 512
        let commandLine = StockCommandLine(
            image: try await images.image(named: context.options.image),
            memoryMiB: memory,
            accelerator: try await context.instance.log.opening().accelerator,
            disk: "disk0",
            waits: false,
            forwarded: (host: try await StreamTarget.freePort(), guest: Self.guestPort)
        )
        try await StockDisk.withDirectory(in: context.instance.home) { directory in
            try await StockDisk.create(commandLine.disk, in: directory, over: commandLine.image.disk, format: "raw")
            let machine = try await StockMachine.start(commandLine, in: directory)
            do {
                try await measure(machine, commandLine, in: context)
            } catch {
                await machine.terminate()
                throw error
            }
            await machine.terminate()
        }
    }

    private func measure(
        _ machine: StockMachine,
        _ commandLine: StockCommandLine,
        in context: BenchmarkContext
    ) async throws {
        let session = try await machine.guest()
        try await session.waitUntilSettled(deadline: .now + StockMachine.guestTimeout)
        let program = context.program.bytes
        try await session.writeFile(GuestProgram.path, bytes: program, mode: 0o755, createDirectories: false)
        try await session.runToSuccess([GuestProgram.path, "serve", "\(Self.guestPort)"])
        let target = StreamTarget(
            session: session,
            guestPort: Self.guestPort,
            hostPort: commandLine.forwarded?.host ?? 0
        )
        let dimensions = Dimensions(image: context.options.image, memoryMiB: commandLine.memoryMiB, start: "cold")
        for count in context.options.connections {
            Progress.say("streams: \(count) at once")
            for _ in 0..<context.options.runs {
                // In turns: whatever else the host does meets both.
                for way in StreamWay.allCases {
                    try await measure(way, count, target, dimensions, in: context)
                }
            }
        }
        await session.close()
    }

    private func measure(
        _ way: StreamWay,
        _ count: Int,
        _ target: StreamTarget,
        _ dimensions: Dimensions,
        in context: BenchmarkContext
    ) async throws {
        let bytes = context.options.streamMebibytes * 1_048_576
        for isDownload in [true, false] {
            let metric: Metric =
                isDownload ? .download(way, connections: count) : .upload(way, connections: count)
            let speed = try await StreamLoad.throughput(
                count,
                bytes: bytes,
                isDownload: isDownload,
                to: target,
                by: way
            )
            context.recorder.record(metric, speed, on: dimensions)
        }
        for duration in try await StreamLoad.roundTrips(count, rounds: 20, to: target, by: way) {
            context.recorder.record(.roundTrip(way, connections: count), duration, on: dimensions)
        }
    }
}
