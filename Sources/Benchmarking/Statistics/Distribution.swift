/// What a set of samples says.
public struct Distribution: Codable, Sendable, Equatable {
    public var count: Int
    public var minimum: Double
    public var p50: Double
    public var p90: Double
    public var p99: Double
    public var maximum: Double

    /// Nil when there are no samples.
    public init?(_ samples: [Double]) {
        let sorted = samples.sorted()
        guard let first = sorted.first, let last = sorted.last else { return nil }
        count = sorted.count
        minimum = first
        p50 = Self.percentile(50, ofSorted: sorted)
        p90 = Self.percentile(90, ofSorted: sorted)
        p99 = Self.percentile(99, ofSorted: sorted)
        maximum = last
    }

    /// The nearest rank: the smallest sample that at least `percent` % of all samples do not exceed. Always a sample
    /// that was taken, so with fewer than 100 the 99th is the maximum.
    static func percentile(_ percent: Int, ofSorted samples: [Double]) -> Double {
        let rank = (percent * samples.count + 99) / 100
        return samples[max(rank, 1) - 1]
    }

    /// The value of one statistic.
    public subscript(statistic: Statistic) -> Double {
        switch statistic {
        case .p50: p50
        case .p90: p90
        case .p99: p99
        case .maximum: maximum
        }
    }
}

/// One number of a ``Distribution``.
public enum Statistic: String, Codable, Sendable {
    case p50
    case p90
    case p99
    case maximum = "max"
}
