import Synchronization
import VersAPI
import VersCore

/// What connections are made to carry.
enum StreamLoad {
    private static let piece = (0..<256 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    /// For one measurement. A connection that is forwarded by QEMU's user-mode network may stand still for good.
    private static let limit: Duration = .seconds(120)

    /// Opens `count` connections, has each take or give its share of `bytes`, and closes them.
    /// - Returns: MiB a second, of all together, without the time that it takes to connect.
    static func throughput(_ count: Int, bytes: Int, isDownload: Bool, to target: StreamTarget, by way: StreamWay)
        async throws -> Double
    {
        let share = bytes / count
        let elapsed = try await withConnections(count, to: target, by: way) { streams in
            try await timed {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for stream in streams {
                        group.addTask {
                            if isDownload {
                                try await take(share, from: stream)
                            } else {
                                try await give(share, to: stream)
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        return Double(share * count) / 1_048_576 / (elapsed / .seconds(1))
    }

    /// Sends one byte there and back over each of `count` connections, all at once, `rounds` times.
    /// - Returns: how long each took.
    static func roundTrips(_ count: Int, rounds: Int, to target: StreamTarget, by way: StreamWay) async throws
        -> [Duration]
    {
        try await withConnections(count, to: target, by: way) { streams in
            try await withThrowingTaskGroup(of: [Duration].self) { group in
                for stream in streams {
                    group.addTask {
                        try await stream.write(order("e", 0))
                        var durations: [Duration] = []
                        for _ in 0...rounds {
                            durations.append(
                                try await timed {
                                    try await stream.write([1])
                                    guard try await stream.read() != nil else { throw ended }
                                }
                            )
                        }
                        // The first has the guest start a process.
                        return Array(durations.dropFirst())
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
        }
    }

    /// - Throws: `.timedOut` when all of it takes longer than ``limit``.
    private static func withConnections<Value: Sendable>(
        _ count: Int,
        to target: StreamTarget,
        by way: StreamWay,
        _ body: @escaping @Sendable ([any GuestStream]) async throws -> Value
    ) async throws -> Value {
        let streams = OpenStreams()
        do {
            let value = try await withThrowingTaskGroup(of: Value.self) { group in
                group.addTask {
                    for _ in 0..<count { streams.add(try await target.connect(by: way)) }
                    return try await body(streams.all)
                }
                group.addTask {
                    try await Task.sleep(for: limit, clock: .continuous)
                    // A write that waits for room ends with its connection only.
                    await streams.close()
                    throw VersError(.timedOut, "\(way.title), \(count) at once: not done within \(limit)")
                }
                defer { group.cancelAll() }
                guard let value = try await group.next() else { throw CancellationError() }
                return value
            }
            await streams.close()
            return value
        } catch {
            await streams.close()
            throw error
        }
    }

    private static func take(_ count: Int, from stream: any GuestStream) async throws {
        try await stream.write(order("s", count))
        var rest = count
        while rest > 0 {
            guard let bytes = try await stream.read() else { throw ended }
            rest -= bytes.count
        }
    }

    private static func give(_ count: Int, to stream: any GuestStream) async throws {
        try await stream.write(order("r", count))
        var rest = count
        while rest > 0 {
            let size = min(rest, piece.count)
            try await stream.write(size == piece.count ? piece : Array(piece[..<size]))
            rest -= size
        }
        guard try await stream.read() != nil else { throw ended }
    }

    /// What `bench-guest serve` is told.
    private static func order(_ command: Character, _ count: Int) -> [UInt8] {
        [command.asciiValue ?? 0] + (0..<8).map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
    }

    private static func timed(_ operation: () async throws -> Void) async throws -> Duration {
        let start = ContinuousClock.now
        try await operation()
        return .now - start
    }

    private static var ended: VersError { VersError(.unavailable, "the guest has ended a connection early") }
}

/// Connections that are closed together.
private final class OpenStreams: Sendable {
    private let streams = Mutex<[any GuestStream]>([])

    var all: [any GuestStream] { streams.withLock { $0 } }

    func add(_ stream: any GuestStream) { streams.withLock { $0.append(stream) } }

    func close() async { for stream in all { await stream.close() } }
}
