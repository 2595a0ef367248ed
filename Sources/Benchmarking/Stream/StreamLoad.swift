import VersAPI
import VersCore

/// What connections are made to carry.
enum StreamLoad {
    private static let pieceInBytes = 256 * 1024

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

    private static func withConnections<Value: Sendable>(
        _ count: Int,
        to target: StreamTarget,
        by way: StreamWay,
        _ body: ([any GuestStream]) async throws -> Value
    ) async throws -> Value {
        var streams: [any GuestStream] = []
        do {
            for _ in 0..<count { streams.append(try await target.connect(by: way)) }
            let value = try await body(streams)
            for stream in streams { await stream.close() }
            return value
        } catch {
            for stream in streams { await stream.close() }
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
        let piece = (0..<pieceInBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
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
