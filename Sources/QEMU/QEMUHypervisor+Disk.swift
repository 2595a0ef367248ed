internal import HostSystem
internal import Subprocess
public import SystemPackage
internal import VersAPI

/// Disks of machines without a process.
extension QEMUHypervisor {
    private static let imageTool: Subprocess.Executable = .name("qemu-img")
    private static let imageToolOutputLimit = 64 << 10

    public func growInactiveDisk(_ disk: FilePath, toMiB sizeMiB: Int) async throws {
        let result = try await Subprocess.run(
            Self.imageTool,
            arguments: ["resize", "-q", "-f", "qcow2", disk.string, "\(sizeMiB)M"],
            output: .discarded,
            error: .string(limit: Self.imageToolOutputLimit)
        )
        guard case .exited(0) = result.terminationStatus else {
            throw VersError(
                .internal,
                "disk '\(disk)' could not be grown to \(sizeMiB) MiB: \(result.standardError)"
            )
        }
    }

    public func newestDisk(in directory: FilePath) async throws -> FilePath? {
        try await BlockingPool.run {
            let numbered = try HostFile.names(in: directory)
                .compactMap { name in
                    DiskFile.number(ofName: name).map { (number: $0, file: directory.appending(name)) }
                }
                .sorted { $0.number > $1.number }
            return numbered.map(\.file).first(where: Self.isWhole)
        }
    }

    public func backingChain(of disk: FilePath) async throws -> [FilePath] {
        try await describingFailures("read the chain of a disk") {
            try await BlockingPool.run { Array(try DiskFiles.chain(of: disk).dropFirst()) }
        }
    }

    public func removeLeftovers(in directory: FilePath, activeDisk: FilePath) async throws {
        try await describingFailures("remove what a machine's process has left") {
            try await BlockingPool.run {
                for disk in try DiskFiles.others(than: activeDisk) { try HostFile.remove(disk) }
                for name in MachineFile.ofProcess { try HostFile.remove(directory.appending(name)) }
            }
        }
    }

    /// Whether a header can be read and the file it names is there: an overlay that a crash cut off has neither.
    private static func isWhole(_ disk: FilePath) -> Bool {
        guard let chain = try? DiskFiles.chain(of: disk), chain.count > 1 else { return false }
        return chain.allSatisfy { HostFile.identity(of: $0) != nil }
    }
}
