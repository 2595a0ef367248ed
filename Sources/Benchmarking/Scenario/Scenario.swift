/// A group of metrics that are measured together.
protocol Scenario: Sendable {
    /// What `--only` calls it.
    static var name: String { get }

    func run(in context: BenchmarkContext) async throws
}
