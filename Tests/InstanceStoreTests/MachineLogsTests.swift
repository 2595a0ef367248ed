import Foundation
import InstanceStore
import SystemPackage
import Testing
import VersAPI
import VersCore

struct MachineLogsTests {
    @Test func `a log over its limit is cut, and its end is kept beside it`() async throws {
        let instance = try TemporaryInstance()
        let layout = instance.layout
        try FileManager.default.createDirectory(atPath: layout.standbys.string, withIntermediateDirectories: true)
        let (loud, quiet) = (layout.directory(of: MachineID()), layout.directory(of: MachineID()))
        for directory in [loud, quiet] {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }
        let log = loud.appending("qemu.log")
        let writer = try FileDescriptor.open(
            log,
            .writeOnly,
            options: [.create, .append],
            permissions: [.ownerReadWrite]
        )
        defer { try? writer.close() }
        try writer.writeAll([UInt8](repeating: 1, count: MachineLogs.limitInBytes))
        try writer.writeAll([7, 8])
        try Data([5]).write(to: URL(filePath: quiet.appending("console.log").string))

        try await MachineLogs(layout: layout).trim()
        let earlier = try Data(contentsOf: URL(filePath: "\(log).1"))
        #expect(earlier.count < MachineLogs.limitInBytes && earlier.suffix(3) == Data([1, 7, 8]))
        #expect(try Data(contentsOf: URL(filePath: log.string)).isEmpty)
        #expect(try Data(contentsOf: URL(filePath: quiet.appending("console.log").string)) == Data([5]))

        // Whoever writes goes on, and the next cut replaces the last.
        try writer.writeAll([UInt8](repeating: 2, count: MachineLogs.limitInBytes + 1))
        try await MachineLogs(layout: layout).trim()
        #expect(try Data(contentsOf: URL(filePath: "\(log).1")).first == 2)
    }
}
