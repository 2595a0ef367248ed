import Foundation
import HostSystem
import SystemPackage
import VersAPI

/// Reads what `versd` says of itself in its log: one line an event,
/// `<time> <level> versd: key=value … [module] message`.
///
/// Only values without spaces are read whole; those that the benchmark needs have none.
struct DaemonLog: Sendable {
    /// The line "instance opened".
    struct Opening: Sendable, Equatable {
        var hypervisorVersion: String
        var accelerator: String
    }

    /// The line "commit made": what the engine measured of one freeze.
    struct Freeze: Sendable, Equatable {
        struct Step: Sendable, Equatable {
            var name: String
            var milliseconds: Double
        }

        var commit: CommitID
        var pauseMilliseconds: Double
        /// In their order.
        var steps: [Step]
        var layerBytes: UInt64
        /// After the pause.
        var layerMilliseconds: Double
        /// Before the pause. Nil when nothing was written of the layer there.
        var layerAheadMilliseconds: Double?
    }

    let path: FilePath

    func opening() async throws -> Opening {
        for line in try await lines() {
            if let opening = Self.opening(in: line) { return opening }
        }
        throw VersError(.notFound, "\(path) does not say what versd runs on")
    }

    /// The freeze that made `commit`. The line is there once the call that made the commit has returned.
    func freeze(of commit: CommitID) async throws -> Freeze {
        for line in try await lines().reversed() {
            if let freeze = Self.freeze(in: line), freeze.commit == commit { return freeze }
        }
        throw VersError(.notFound, "\(path) says nothing of commit \(commit)")
    }

    static func opening(in line: String) -> Opening? {
        guard line.hasSuffix("] instance opened") else { return nil }
        let fields = fields(of: line)
        guard let version = fields["hypervisor.version"], let accelerator = fields["accelerator.name"] else {
            return nil
        }
        return Opening(hypervisorVersion: version, accelerator: accelerator)
    }

    static func freeze(in line: String) -> Freeze? {
        guard line.hasSuffix("] commit made") else { return nil }
        let fields = fields(of: line)
        guard
            let commit = fields["commit.id"].flatMap(CommitID.init),
            let pause = fields["freeze.pause-us"].flatMap(milliseconds),
            let steps = fields["freeze.steps-us"].flatMap(steps),
            let layerBytes = fields["layer.bytes"].flatMap(UInt64.init),
            let layer = fields["layer.duration-us"].flatMap(milliseconds)
        else { return nil }
        return Freeze(
            commit: commit,
            pauseMilliseconds: pause,
            steps: steps,
            layerBytes: layerBytes,
            layerMilliseconds: layer,
            layerAheadMilliseconds: fields["layer.ahead-us"].flatMap(milliseconds)
        )
    }

    private static func fields(of line: String) -> [String: String] {
        let pairs = line.split(separator: " ").compactMap { word -> (String, String)? in
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
        return Dictionary(pairs) { first, _ in first }
    }

    private static func milliseconds(_ microseconds: some StringProtocol) -> Double? {
        Int64(microseconds).map { Double($0) / 1000 }
    }

    /// `stop:812,device-state:2310`.
    private static func steps(_ text: String) -> [Freeze.Step]? {
        var steps: [Freeze.Step] = []
        for part in text.split(separator: ",") {
            let pair = part.split(separator: ":")
            guard pair.count == 2, let duration = milliseconds(pair[1]) else { return nil }
            steps.append(Freeze.Step(name: String(pair[0]), milliseconds: duration))
        }
        return steps
    }

    private func lines() async throws -> [String] {
        let path = path
        return try await BlockingPool.run {
            let data = try Data(contentsOf: URL(filePath: path.string))
            return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }
}
