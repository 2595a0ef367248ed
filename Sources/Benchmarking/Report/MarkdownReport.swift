import Foundation

/// Writes a report for people.
public struct MarkdownReport: Sendable {
    private let report: BenchmarkReport

    public init(_ report: BenchmarkReport) { self.report = report }

    public var text: String {
        var parts = [machine, measurements]
        if !report.comparisons.isEmpty { parts.append(comparisons) }
        if !report.failures.isEmpty {
            parts.append("Not measured:\n\n" + report.failures.map { "- \($0)" }.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var machine: String {
        let host = report.host
        return """
            \(report.startedAt.formatted(.iso8601)), \(host.processor), \(host.processors) processors, \
            \(host.memoryMiB) MiB, Linux \(host.kernel), \(host.hypervisor), accelerator \(host.accelerator), \
            Vers \(host.version), load \(Self.number(host.loadAverage)) at the start
            """
    }

    private var measurements: String {
        MarkdownTable(
            head: [
                "what", "image", "RAM MiB", "dirty MB", "children", "start", "N", "unit", "p50", "p90", "p99", "max",
                "target",
            ],
            rightAligned: [2, 3, 4, 6, 8, 9, 10, 11],
            rows: report.measurements.map(row)
        ).text
    }

    private var comparisons: String {
        MarkdownTable(
            head: ["ratio of medians", "image", "RAM MiB", "dirty MB", "value", "target"],
            rightAligned: [2, 3, 4],
            rows: report.comparisons.map { comparison in
                let dimensions = comparison.dimensions
                return [
                    comparison.title, dimensions.image ?? "", Self.optional(dimensions.memoryMiB),
                    Self.optional(dimensions.dirtyMB), Self.number(comparison.value),
                    Self.bound(comparison.bound) + (comparison.isMet ? ": met" : ": **missed**"),
                ]
            }
        ).text
    }

    private func row(_ measurement: MetricResult) -> [String] {
        let dimensions = measurement.dimensions
        let statistics = measurement.statistics
        let targets = measurement.targets.map { result in
            "\(result.target.statistic.rawValue) ≤ \(Self.number(result.target.atMost))"
                + (result.isMet ? ": met" : ": **missed**")
        }
        return [
            measurement.title, dimensions.image ?? "", Self.optional(dimensions.memoryMiB),
            Self.optional(dimensions.dirtyMB), Self.optional(dimensions.children), dimensions.start ?? "",
            "\(statistics.count)", measurement.unit.rawValue, Self.number(statistics.p50),
            Self.number(statistics.p90), Self.number(statistics.p99), Self.number(statistics.maximum),
            targets.joined(separator: ", "),
        ]
    }

    private static func bound(_ bound: Bound) -> String {
        (bound.side == .atMost ? "≤ " : "≥ ") + number(bound.limit)
    }

    private static func optional(_ value: Int?) -> String { value.map { "\($0)" } ?? "" }

    /// Three digits are as many as these measurements can carry.
    static func number(_ value: Double) -> String {
        switch abs(value) {
        case 100...: String(format: "%.0f", value)
        case 10..<100: trimmed(String(format: "%.1f", value))
        default: trimmed(String(format: "%.2f", value))
        }
    }

    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.hasSuffix("0") { text = text.dropLast() }
        return String(text.hasSuffix(".") ? text.dropLast() : text)
    }
}
