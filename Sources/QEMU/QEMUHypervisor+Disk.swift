internal import HostSystem
internal import Subprocess
public import SystemPackage
internal import VersAPI

/// Disks of machines without a process.
extension QEMUHypervisor {
    private static let imageTool: Subprocess.Executable = .name("qemu-img")
    private static let imageToolOutputLimit = 64 << 10

    public func growInactiveDisk(_ disk: FilePath, toMiB sizeMiB: Int) async throws {
        let (tool, arguments) = try await imageTool(
            ["resize", "-q", "-f", "qcow2", disk.string, "\(sizeMiB)M"],
            on: disk
        )
        let result = try await Subprocess.run(
            tool,
            arguments: Arguments(arguments),
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

    /// As the machine's user: its disk's header may name any file of the host.
    private func imageTool(_ arguments: [String], on disk: FilePath) async throws -> (Subprocess.Executable, [String]) {
        guard let confinement = configuration.machineConfinement else { return (Self.imageTool, arguments) }
        return try await BlockingPool.run {
            let user = try confinement.prepare(disk.removingLastComponent())
            try confinement.allowDisk(disk)
            let (executable, words) = confinement.command(
                "qemu-img",
                arguments,
                environment: ["PATH": "/usr/bin:/bin"],
                as: user,
                usesKVM: false
            )
            return (.path(executable), words)
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
                for file in MachineFile.ofProcess(in: directory) { try HostFile.remove(file) }
            }
        }
    }

    /// Whether a header can be read and the file it names is there: an overlay that a crash cut off has neither.
    private static func isWhole(_ disk: FilePath) -> Bool {
        guard let chain = try? DiskFiles.chain(of: disk), chain.count > 1 else { return false }
        return chain.allSatisfy { HostFile.identity(of: $0) != nil }
    }
}
