import Foundation
import HostSystem
import SystemPackage
import Testing

@testable import QEMU

private let groups = ControlGroups(prefix: "vers-test-\(getpid())")

/// On real control groups, where this process may make them.
@Suite(.enabled(if: getuid() == 0 && groups.controllers.contains(.memory)), .timeLimit(.minutes(2)))
struct MemoryGroupTests {
    /// A process that writes `path` when it reads a line, puts it on disk, and says so.
    private static func writer(of path: FilePath, megabytes: Int) throws -> (Process, Pipe, Pipe) {
        let process = Process()
        let (input, output) = (Pipe(), Pipe())
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = [
            "-c", "read go; head -c \(megabytes)M /dev/zero >\(path); sync \(path); echo done; read end",
        ]
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        return (process, input, output)
    }

    private func usedBytes(of group: String) throws -> Int {
        let hierarchy = try #require(groups.hierarchies.first { $0.controllers.contains(.memory) })
        let name = hierarchy.version == 1 ? "memory.usage_in_bytes" : "memory.current"
        let file = hierarchy.parent.appending("\(groups.prefix)-\(group)").appending(name)
        return try #require(Int(try HostFile.readText(file, limitInBytes: 64).prefix(while: \.isNumber)))
    }

    @Test func `room is made of page cache, as far as there is some, and the limit stays`() throws {
        let path = FilePath("/var/tmp/vers-group-\(UUID().uuidString)")
        let (process, input, output) = try Self.writer(of: path, megabytes: 200)
        let group = ControlGroups.name(of: "writer", pid: process.processIdentifier)
        let limits = ResourceLimits(memoryMiB: 0, vcpuCount: 1)
        defer {
            process.terminate()
            process.waitUntilExit()
            groups.remove(group)
            unlink(path.string)
        }
        try groups.enter(group, pid: process.processIdentifier, limits: limits)
        try input.fileHandleForWriting.write(contentsOf: Data("go\n".utf8))
        #expect(output.fileHandleForReading.availableData == Data("done\n".utf8))
        let before = try usedBytes(of: group)
        #expect(before > 150 << 20)

        // There is as much already.
        groups.makeRoom(for: limits.memoryBytes - before - (32 << 20), in: group, limits: limits)
        #expect(try usedBytes(of: group) > 150 << 20)
        groups.makeRoom(for: limits.memoryBytes - (64 << 20), in: group, limits: limits)
        #expect(try usedBytes(of: group) < 80 << 20)
        // More than there is.
        groups.makeRoom(for: limits.memoryBytes, in: group, limits: limits)
        let hierarchy = try #require(groups.hierarchies.first { $0.controllers.contains(.memory) })
        let limit = try #require(limits.files(of: .memory, version: hierarchy.version).first)
        let file = hierarchy.parent.appending("\(groups.prefix)-\(group)").appending(limit.name)
        #expect(try HostFile.readText(file, limitInBytes: 64) == limit.value + "\n")
        #expect(process.isRunning)
    }
}
