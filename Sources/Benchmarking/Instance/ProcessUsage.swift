import Foundation
import Glibc
import HostSystem
import VersAPI

/// What processes of this machine use, read from `/proc`.
enum ProcessUsage {
    /// Bytes that only the monitor of `machine` and its frozen copies hold. Layers and images are shared and do not
    /// count.
    static func privateBytes(of machine: MachineID) async throws -> UInt64 {
        try await BlockingPool.run {
            var total: UInt64 = 0
            for pid in try ProcessTable.processes() {
                guard let command = commandLine(of: pid), isMonitor(command, of: machine) else { continue }
                total += ProcessTable.privateBytes(of: pid) ?? 0
            }
            guard total > 0 else { throw VersError(.notFound, "no process of vm \(machine) was found") }
            return total
        }
    }

    static func isMonitor(_ commandLine: String, of machine: MachineID) -> Bool {
        commandLine.contains("qemu-system") && commandLine.contains(machine.text)
    }

    /// Resident bytes.
    static func residentBytes(of pid: Int32) throws -> UInt64 {
        guard let text = text("/proc/\(pid)/status"), let bytes = residentBytes(inStatus: text) else {
            throw VersError(.notFound, "process \(pid) is gone")
        }
        return bytes
    }

    static func residentBytes(inStatus status: String) -> UInt64? {
        for line in status.split(separator: "\n") where line.hasPrefix("VmRSS:") {
            return line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 * 1024 }
        }
        return nil
    }

    /// Processor time used so far, by all threads, in seconds.
    static func processorSeconds(of pid: Int32) throws -> Double {
        guard let text = text("/proc/\(pid)/stat"), let ticks = processorTicks(inStat: text) else {
            throw VersError(.notFound, "process \(pid) is gone")
        }
        return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Fields 14 and 15. The second field is a name that may hold spaces and brackets.
    static func processorTicks(inStat stat: String) -> UInt64? {
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return user + system
    }

    private static func commandLine(of pid: Int32) -> String? { text("/proc/\(pid)/cmdline") }

    private static func text(_ path: String) -> String? {
        // A process that has just ended has no files any more.
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
    }
}
