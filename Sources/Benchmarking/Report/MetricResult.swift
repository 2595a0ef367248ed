/// One metric on one set of dimensions.
public struct MetricResult: Codable, Sendable {
    public var name: String
    public var title: String
    public var unit: Unit
    public var dimensions: Dimensions
    public var statistics: Distribution
    public var targets: [TargetResult]
    /// In the order in which they were taken.
    public var samples: [Double]

    /// Nil without samples.
    public init?(_ metric: Metric, on dimensions: Dimensions, samples: [Double]) {
        guard let statistics = Distribution(samples) else { return nil }
        name = metric.name
        title = metric.title
        unit = metric.unit
        self.dimensions = dimensions
        self.statistics = statistics
        targets = metric.targets.map { TargetResult(target: $0, isMet: $0.isMet(by: statistics)) }
        self.samples = samples
    }
}

/// A target, and whether it was reached.
public struct TargetResult: Codable, Sendable, Equatable {
    public var target: Target
    public var isMet: Bool

    enum CodingKeys: String, CodingKey {
        case target
        case isMet = "met"
    }
}
