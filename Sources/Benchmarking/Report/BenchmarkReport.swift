public import Foundation

/// What one run of the benchmark found. Its JSON form is described in `docs/performance.md`.
public struct BenchmarkReport: Codable, Sendable {
    public static let currentFormat = 1

    public var format = Self.currentFormat
    public var startedAt: Date
    public var finishedAt: Date
    public var host: HostDescription
    public var runs: Int
    public var measurements: [MetricResult]
    public var comparisons: [Comparison]
    /// Scenarios that could not be measured, and why.
    public var failures: [String]

    public init(
        startedAt: Date,
        finishedAt: Date,
        host: HostDescription,
        runs: Int,
        measurements: [MetricResult],
        failures: [String]
    ) {
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.host = host
        self.runs = runs
        self.measurements = measurements
        comparisons = Comparison.all(of: measurements)
        self.failures = failures
    }

    public func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        encoder.dateEncodingStrategy = .iso8601
        return try encoder.encode(self)
    }

    enum CodingKeys: String, CodingKey {
        case format
        case startedAt = "started_at"
        case finishedAt = "finished_at"
        case host
        case runs
        case measurements
        case comparisons
        case failures
    }
}
