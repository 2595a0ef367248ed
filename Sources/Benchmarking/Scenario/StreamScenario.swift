import VersAPI
import VersClient
import VersCore

/// TCP connections into guests: into a VM of Vers through the front door, and by the port forwarding of QEMU's user-mode
/// network into an equal one of stock QEMU. The same service takes them, in turns.
struct StreamScenario: Scenario {
    static let name = "streams"
    private static let guestPort: UInt16 = 7000

    func run(in context: BenchmarkContext) async throws {
        let memory = context.options.memories.min() ?? 512
        try await context.withMachine(memoryMiB: memory) { id in
            let service = [GuestProgram.path, "serve", "\(Self.guestPort)"]
            try await context.client.runToSuccess(service, in: id)
            let door = try DoorAddress(try await context.client.frontDoor(), machine: id, guestPort: Self.guestPort)
            try await StockGuest.with(memoryMiB: memory, forwarding: [Self.guestPort], in: context) { stock in
                try await stock.session.runToSuccess(service)
                let target = StreamTarget(
                    door: door,
                    session: stock.session,
                    guestPort: Self.guestPort,
                    hostPort: try stock.hostPort(for: Self.guestPort)
                )
                try await measure(target, memoryMiB: memory, in: context)
            }
        }
    }

    private func measure(_ target: StreamTarget, memoryMiB: Int, in context: BenchmarkContext) async throws {
        let dimensions = Dimensions(image: context.options.image, memoryMiB: memoryMiB)
        for count in context.options.connections {
            for run in 1...context.options.runs {
                Progress.say("streams: \(count) at once, \(run) of \(context.options.runs)")
                // In turns: whatever else the host does meets all.
                for way in StreamWay.allCases {
                    do {
                        try await measure(way, count, target, dimensions, in: context)
                    } catch let error as VersError where error.code == .timedOut && way == .forwarded {
                        // The baseline's own trouble, which keeps nothing else from being measured.
                        Progress.say("streams: \(error.message)")
                    }
                }
            }
        }
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
