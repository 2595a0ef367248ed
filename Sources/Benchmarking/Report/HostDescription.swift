import Foundation
import Glibc

/// The machine that the figures were taken on, and the software under them.
public struct HostDescription: Codable, Sendable, Equatable {
    public var processor: String
    public var processors: Int
    public var memoryMiB: Int
    public var kernel: String
    public var hypervisor: String
    public var accelerator: String
    public var version: String
    /// Of one minute, when the benchmark began: other work on the machine makes tails longer.
    public var loadAverage: Double

    /// Describes this machine; what `versd` found of its hypervisor comes from `daemon`.
    static func current(_ daemon: DaemonLog.Opening, version: String) -> HostDescription {
        HostDescription(
            processor: processorName(cpuinfo: text("/proc/cpuinfo")) ?? "unknown",
            processors: ProcessInfo.processInfo.activeProcessorCount,
            memoryMiB: Int(ProcessInfo.processInfo.physicalMemory >> 20),
            kernel: text("/proc/sys/kernel/osrelease").trimmingCharacters(in: .whitespacesAndNewlines),
            hypervisor: "QEMU \(daemon.hypervisorVersion)",
            accelerator: daemon.accelerator,
            version: version,
            loadAverage: loadAverageNow()
        )
    }

    static func processorName(cpuinfo: String) -> String? {
        cpuinfo.split(separator: "\n").first { $0.hasPrefix("model name") }
            .flatMap { $0.split(separator: ":", maxSplits: 1).last }
            .map { $0.trimmingCharacters(in: .whitespaces) }
    }

    private static func loadAverageNow() -> Double {
        var load = 0.0
        return getloadavg(&load, 1) == 1 ? load : 0
    }

    private static func text(_ path: String) -> String {
        // Told as "unknown" when it cannot be read.
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    enum CodingKeys: String, CodingKey {
        case processor
        case processors
        case memoryMiB = "memory_mib"
        case kernel
        case hypervisor
        case accelerator
        case version
        case loadAverage = "load_average"
    }
}
