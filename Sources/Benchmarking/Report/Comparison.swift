/// The quotient of two measurements' medians, and what it is to reach.
public struct Comparison: Codable, Sendable, Equatable {
    public var title: String
    public var dimensions: Dimensions
    public var value: Double
    public var bound: Bound
    public var isMet: Bool

    init(title: String, dimensions: Dimensions, value: Double, bound: Bound) {
        self.title = title
        self.dimensions = dimensions
        self.value = value
        self.bound = bound
        isMet = bound.contains(value)
    }

    enum CodingKeys: String, CodingKey {
        case title
        case dimensions
        case value
        case bound
        case isMet = "met"
    }
}

/// A limit from above or below.
public struct Bound: Codable, Sendable, Equatable {
    public enum Side: String, Codable, Sendable {
        case atMost = "at_most"
        case atLeast = "at_least"
    }

    public var side: Side
    public var limit: Double

    static func atMost(_ limit: Double) -> Bound { Bound(side: .atMost, limit: limit) }

    static func atLeast(_ limit: Double) -> Bound { Bound(side: .atLeast, limit: limit) }

    func contains(_ value: Double) -> Bool {
        switch side {
        case .atMost: value <= limit
        case .atLeast: value >= limit
        }
    }
}

extension Comparison {
    /// At most this many times the pause of the smaller memory, or of the smaller dirty set.
    static let pauseGrowthLimit = 1.5
    /// How many times faster than stock QEMU a branch is to be.
    static let speedup = 10.0
    /// Of QEMU's own port forwarding.
    static let throughput = 0.7

    /// Everything that can be compared in `measurements`.
    static func all(of measurements: [MetricResult]) -> [Comparison] {
        pauseByMemory(measurements) + pauseByDirtySet(measurements) + againstBaseline(measurements)
            + streams(measurements)
    }

    /// Medians of equal guests, reached through the front door and by QEMU.
    private static func streams(_ measurements: [MetricResult]) -> [Comparison] {
        measurements.compactMap { forwarded in
            let prefix = StreamWay.forwarded.rawValue + "."
            guard forwarded.name.hasPrefix(prefix), forwarded.unit == .mebibytesPerSecond else { return nil }
            let what = forwarded.name.dropFirst(prefix.count)
            let ours = measurements.first {
                $0.name == "\(StreamWay.door.rawValue).\(what)" && $0.dimensions == forwarded.dimensions
            }
            guard let ours else { return nil }
            return Comparison(
                title: "connection's throughput, times that of QEMU's port forwarding: \(what)",
                dimensions: forwarded.dimensions,
                value: ours.statistics.p50 / forwarded.statistics.p50,
                bound: .atLeast(throughput)
            )
        }
    }

    private static func pauseByMemory(_ measurements: [MetricResult]) -> [Comparison] {
        let pauses = measurements.filter { $0.name == Metric.pause.name }
        let groups = Dictionary(grouping: pauses) { $0.dimensions.dirtyMB ?? 0 }
        return groups.sorted { $0.key < $1.key }.compactMap { _, group in
            growth(group.sorted { ($0.dimensions.memoryMiB ?? 0) < ($1.dimensions.memoryMiB ?? 0) }) { small, large in
                "pause at \(large.memoryMiB ?? 0) MiB of memory, times that at \(small.memoryMiB ?? 0) MiB"
            }
        }
    }

    private static func pauseByDirtySet(_ measurements: [MetricResult]) -> [Comparison] {
        let pauses = measurements.filter { $0.name == Metric.pause.name }
        let groups = Dictionary(grouping: pauses) { $0.dimensions.memoryMiB ?? 0 }
        return groups.sorted { $0.key < $1.key }.compactMap { _, group in
            growth(group.sorted { ($0.dimensions.dirtyMB ?? 0) < ($1.dimensions.dirtyMB ?? 0) }) { small, large in
                "pause with \(large.dirtyMB ?? 0) MB dirty, times that with \(small.dirtyMB ?? 0) MB"
            }
        }
    }

    private static func growth(
        _ ascending: [MetricResult],
        title: (Dimensions, Dimensions) -> String
    ) -> Comparison? {
        guard ascending.count > 1, let small = ascending.first, let large = ascending.last else { return nil }
        return Comparison(
            title: title(small.dimensions, large.dimensions),
            dimensions: large.dimensions,
            value: large.statistics.p50 / small.statistics.p50,
            bound: .atMost(pauseGrowthLimit)
        )
    }

    private static func againstBaseline(_ measurements: [MetricResult]) -> [Comparison] {
        let pairs: [(Metric, Metric, String)] = [
            (.baselinePause, .pause, "stock QEMU's pause, times ours"),
            (.baselineAnswering, .branchAnswering, "stock QEMU's branch to the child's answer, times ours"),
        ]
        return pairs.flatMap { theirs, ours, title in
            measurements.filter { $0.name == theirs.name }.compactMap { baseline in
                let same = measurements.first {
                    $0.name == ours.name && $0.dimensions.memoryMiB == baseline.dimensions.memoryMiB
                        && $0.dimensions.dirtyMB == baseline.dimensions.dirtyMB
                }
                guard let same else { return nil }
                return Comparison(
                    title: title,
                    dimensions: baseline.dimensions,
                    value: baseline.statistics.p50 / same.statistics.p50,
                    bound: .atLeast(speedup)
                )
            }
        }
    }
}
