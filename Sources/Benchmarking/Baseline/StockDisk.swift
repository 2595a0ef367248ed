import Foundation
import HostSystem
import SystemPackage
import VersAPI

/// Disks of stock machines.
enum StockDisk {
    private static let timeout: Duration = .seconds(30)

    /// Makes the overlay `directory/name` over `base`.
    static func create(_ name: String, in directory: FilePath, over base: FilePath, format: String) async throws {
        let process = try await BlockingPool.run {
            try DetachedProcess(
                executable: "/usr/bin/qemu-img",
                arguments: ["create", "-q", "-f", "qcow2", "-b", base.string, "-F", format, name],
                environment: [:],
                workingDirectory: directory,
                output: directory.appending("qemu-img.log")
            ).start()
        }
        switch await process.waitForExit(timeout: timeout) {
        case .exited(code: 0): return
        case nil: throw VersError(.timedOut, "qemu-img did not end within \(timeout)")
        case let exit?: throw VersError(.internal, "qemu-img ended with \(exit): see \(directory)/qemu-img.log")
        }
    }

    /// A directory that is removed afterwards, whatever happens.
    static func withDirectory(in parent: FilePath, _ body: (FilePath) async throws -> Void) async throws {
        let directory = parent.appending("stock-\(UUID().uuidString.lowercased())")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        do {
            try await body(directory)
        } catch {
            try FileManager.default.removeItem(atPath: directory.string)
            throw error
        }
        try FileManager.default.removeItem(atPath: directory.string)
    }
}
