import Foundation
import Synchronization
import VersAPI
import VersClient

/// What scenarios share: the instance, the options, and where results go.
struct BenchmarkContext: Sendable {
    let instance: BenchmarkedInstance
    let options: BenchmarkOptions
    let program: GuestProgram
    let recorder = MeasurementRecorder()

    var client: VersClient { instance.client }

    /// The shape of a guest.
    func configuration(image: String? = nil, memoryMiB: Int) -> MachineConfiguration {
        MachineConfiguration(mem_size_mib: memoryMiB, image_name: image ?? options.image)
    }

    /// Runs `body` with a new VM that has the guest program, and deletes the VM and its descendants.
    func withMachine<Value: Sendable>(
        memoryMiB: Int,
        _ body: (MachineID) async throws -> Value
    ) async throws -> Value {
        let machine = try await client.createMachine(configuration(memoryMiB: memoryMiB), waitForBoot: true)
        return try await deleting(machine) {
            try await program.install(in: machine, of: client)
            return try await body(machine)
        }
    }

    /// Deletes `machine` and its descendants after `body`, whatever happens.
    func deleting<Value: Sendable>(_ machine: MachineID, after body: () async throws -> Value) async throws -> Value {
        do {
            let value = try await body()
            try await client.deleteMachine(machine, recursive: true)
            return value
        } catch {
            // The first error is the one that matters.
            _ = try? await client.deleteMachine(machine, recursive: true)
            throw error
        }
    }

    func answer(_ machine: MachineID) async throws { try await client.runToSuccess(["true"], in: machine) }

    func rest() async throws { try await Task.sleep(for: options.rest, clock: .continuous) }
}

/// Collects samples. Metrics appear in the order in which they were first recorded.
final class MeasurementRecorder: Sendable {
    private struct Key: Hashable {
        var name: String
        var dimensions: Dimensions
    }

    private struct State {
        var order: [Key] = []
        var metrics: [Key: Metric] = [:]
        var samples: [Key: [Double]] = [:]
    }

    private let state = Mutex(State())

    func record(_ metric: Metric, _ value: Double, on dimensions: Dimensions) {
        let key = Key(name: metric.name, dimensions: dimensions)
        state.withLock { state in
            if state.metrics.updateValue(metric, forKey: key) == nil { state.order.append(key) }
            state.samples[key, default: []].append(value)
        }
    }

    func record(_ metric: Metric, _ value: Duration, on dimensions: Dimensions) {
        record(metric, value / .milliseconds(1), on: dimensions)
    }

    /// Runs `operation` and records how long it took; nothing when it throws.
    func measure<Value>(
        _ metric: Metric,
        on dimensions: Dimensions,
        _ operation: () async throws -> Value
    ) async throws -> Value {
        let start = ContinuousClock.now
        let value = try await operation()
        record(metric, .now - start, on: dimensions)
        return value
    }

    var measurements: [MetricResult] {
        state.withLock { state in
            state.order.compactMap { key in
                state.metrics[key].flatMap { MetricResult($0, on: key.dimensions, samples: state.samples[key] ?? []) }
            }
        }
    }
}

/// Says on stderr what goes on.
enum Progress {
    static func say(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
