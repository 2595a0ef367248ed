import Foundation
import Glibc
import HostSystem
import SystemPackage
import VersAPI
public import VersCore

/// Memory from `/proc/meminfo`, disk space from `statvfs`.
public struct LinuxHostResources: HostResources {
    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    public func availableMemoryMiB() async throws -> Int { try await memoryInfo("MemAvailable") }

    public func totalMemoryMiB() async throws -> Int { try await memoryInfo("MemTotal") }

    public func availableDiskMiB() async throws -> Int {
        let home = layout.home
        return try await BlockingPool.run {
            var status = statvfs()
            guard statvfs(home.string, &status) == 0 else {
                throw HostError("statvfs", home, errno: Errno(rawValue: errno))
            }
            return Int((UInt64(status.f_bavail) * UInt64(status.f_frsize)) >> 20)
        }
    }

    public func processorCount() -> Int { ProcessInfo.processInfo.activeProcessorCount }

    /// Lines look like `MemAvailable:   12345 kB` (proc_meminfo(5)).
    private func memoryInfo(_ field: String) async throws -> Int {
        let text = try await BlockingPool.run { try String(contentsOfFile: "/proc/meminfo", encoding: .utf8) }
        for line in text.split(separator: "\n") where line.hasPrefix("\(field):") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kibibytes / 1024
            }
        }
        throw VersError(.internal, "/proc/meminfo has no \(field)")
    }
}
