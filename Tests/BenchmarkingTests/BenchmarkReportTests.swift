import Foundation
import Testing

@testable import Benchmarking

@Suite("A benchmark report")
struct BenchmarkReportTests {
    private static let host = HostDescription(
        processor: "AMD EPYC",
        processors: 2,
        memoryMiB: 24_000,
        kernel: "6.18",
        hypervisor: "QEMU 7.2.22",
        accelerator: "tcg",
        version: "0.1.0",
        loadAverage: 0.25
    )

    private func measurement(
        _ metric: Metric,
        memoryMiB: Int = 512,
        dirtyMB: Int = 20,
        _ samples: [Double]
    ) throws -> MetricResult {
        let dimensions = Dimensions(image: "tiny", memoryMiB: memoryMiB, dirtyMB: dirtyMB, start: "cold")
        return try #require(MetricResult(metric, on: dimensions, samples: samples))
    }

    private func report(_ measurements: [MetricResult], failures: [String] = []) -> BenchmarkReport {
        BenchmarkReport(
            startedAt: Date(timeIntervalSince1970: 0),
            finishedAt: Date(timeIntervalSince1970: 60),
            host: Self.host,
            runs: 3,
            measurements: measurements,
            failures: failures
        )
    }

    @Test("sets the pause in relation to memory, to the dirty set and to stock QEMU")
    func comparisons() throws {
        let report = report([
            try measurement(.pause, [8]), try measurement(.pause, memoryMiB: 4096, [10]),
            try measurement(.pause, dirtyMB: 200, [16]), try measurement(.baselinePause, [800]),
        ])
        #expect(report.comparisons.map(\.value) == [1.25, 2, 100])
        #expect(report.comparisons.map(\.isMet) == [true, false, true])
    }

    @Test("compares only what was measured on the same dimensions")
    func unmatched() throws {
        let report = report([try measurement(.pause, [8]), try measurement(.baselinePause, memoryMiB: 4096, [800])])
        #expect(report.comparisons.isEmpty)
    }

    @Test("shows values, targets, misses and failures to people")
    func markdown() throws {
        let report = report([try measurement(.pause, [8, 9, 31])], failures: ["baseline: no QEMU"])
        let text = MarkdownReport(report).text
        #expect(text.contains("AMD EPYC, 2 processors"))
        #expect(text.contains("p50 ≤ 10: met, p99 ≤ 30: **missed**"))
        #expect(text.contains("- baseline: no QEMU"))
        let widths = Set(text.split(separator: "\n").filter { $0.hasPrefix("|") }.map(\.count).sorted().prefix(3))
        #expect(widths.count == 1)
    }

    @Test("survives its JSON form")
    func json() throws {
        let report = report([try measurement(.pause, [8, 9, 31])])
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .iso8601
        let copy = try decoder.decode(BenchmarkReport.self, from: try report.json())
        #expect(copy.measurements.map(\.samples) == [[8, 9, 31]])
        #expect(copy.measurements.first?.targets.map(\.isMet) == [true, false])
        #expect(copy.host == Self.host)
    }

    @Test(
        "shows three digits of a number",
        arguments: [(0.0, "0"), (0.126, "0.13"), (9.5, "9.5"), (12.34, "12.3"), (120.0, "120"), (1234.5, "1234")]
    )
    func digits(value: Double, text: String) {
        #expect(MarkdownReport.number(value) == text)
    }
}
