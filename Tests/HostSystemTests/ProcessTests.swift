import Foundation
import SystemPackage
import Testing

@testable import HostSystem

@Suite("processes")
struct ProcessTests {
    private func shell(_ script: String, in directory: FilePath, inheriting: [Int32] = []) throws -> ProcessHandle {
        try DetachedProcess(
            executable: "/bin/sh",
            arguments: ["-c", script],
            environment: ["NAME": "value"],
            workingDirectory: directory,
            output: directory.appending("log"),
            inheritedDescriptors: inheriting
        ).start()
    }

    @Test("a process starts in its directory and session with its environment only, and its status is known")
    func start() async throws {
        try await withDirectory { directory in
            let process = try shell(
                "pwd; env | grep -v ^PWD= | sort; cut -d' ' -f6 /proc/$$/stat; echo $$; exit 7",
                in: directory
            )
            #expect(await process.waitForExit(timeout: .seconds(30)) == .exited(code: 7))
            let lines = try HostFile.readText(directory.appending("log"), limitInBytes: 4096).split(separator: "\n")
            #expect(lines.first.map { FilePath(String($0)) } == HostFile.resolved(directory))
            #expect(lines.contains("NAME=value"))
            #expect(!lines.contains { $0.hasPrefix("HOME=") })
            // Leader of its own session.
            #expect(lines.suffix(2).first == lines.last)
        }
    }

    @Test("listed descriptors arrive as 3 and up, whatever their numbers, and no others")
    func inheritance() async throws {
        try await withDirectory { directory in
            let files = try ["a", "b"].map { name in
                let path = directory.appending(name)
                try HostFile.create(path, bytes: Array(name.utf8))
                return open(path.string, O_RDONLY)
            }
            defer { for file in files { close(file) } }
            let process = try shell("cat <&4; cat <&3; ls /proc/$$/fd | tr '\\n' ' '", in: directory, inheriting: files)
            #expect(await process.waitForExit(timeout: .seconds(30)) == .exited(code: 0))
            #expect(try HostFile.readText(directory.appending("log"), limitInBytes: 99).hasPrefix("ba0 1 2 3 4 "))
        }
    }

    @Test("a process on a leash ends with it, one that was let go of does not")
    func leash() async throws {
        try await withDirectory { directory in
            var leash: ProcessLeash? = try ProcessLeash()
            let inherited = try #require(leash?.inherited)
            let (held, free) = (
                try shell("exec sleep 1000", in: directory, inheriting: [inherited]),
                try shell("exec sleep 1000", in: directory, inheriting: [inherited])
            )
            try leash?.fasten(to: held)
            leash = nil
            #expect(await held.waitForExit(timeout: .seconds(30)) == .signalled(SIGKILL))

            var other: ProcessLeash? = try ProcessLeash()
            try other?.fasten(to: free)
            try other?.release()
            other = nil
            #expect(await free.waitForExit(timeout: .milliseconds(100)) == nil)
            try free.signal(SIGTERM)
            #expect(await free.waitForExit(timeout: .seconds(30)) == .signalled(SIGTERM))
        }
    }

    @Test("two handles of one process both learn how it ended")
    func twoHandles() async throws {
        try await withDirectory { directory in
            let first = try shell("exec sleep 1000", in: directory)
            let second = try ProcessHandle(pid: first.pid)
            #expect(await second.waitForExit(timeout: .milliseconds(1)) == nil)
            try second.signal(SIGKILL)
            #expect(await first.waitForExit() == .signalled(SIGKILL))
            #expect(await second.waitForExit() == .signalled(SIGKILL))
            try first.signal(SIGKILL)
        }
    }

    @Test("a program that does not exist is an error")
    func missingProgram() async throws {
        try await withDirectory { directory in
            let process = DetachedProcess(
                executable: "/nonexistent",
                arguments: [],
                environment: [:],
                workingDirectory: directory,
                output: directory.appending("log")
            )
            #expect(throws: HostError.self) { _ = try process.start() }
        }
    }

    @Test("field 22 is found after any process name, and zombies do not count")
    func startTime() {
        let tail = " 1 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 1"
        #expect(ProcessTable.parseStartTime(stat: "7 (a) b (c) S" + tail) == 98_765)
        #expect(ProcessTable.parseStartTime(stat: "7 (x) Z" + tail) == nil)
        #expect(ProcessTable.parseStartTime(stat: "7 (x") == nil)
        #expect(ProcessTable.startTimeTicks(of: getpid()) != nil)
        #expect(ProcessTable.parent(of: getpid()) == getppid())
    }

    @Test("a socket in a very deep directory can be listened on and connected to")
    func deepSocket() async throws {
        try await withDirectory { directory in
            var deep = directory
            for _ in 0..<8 { deep.append(String(repeating: "d", count: 40)) }
            try FileManager.default.createDirectory(atPath: deep.string, withIntermediateDirectories: true)
            let path = deep.appending("socket")
            let listener = try UnixSocket.listen(at: path)
            defer { close(listener) }
            let client = try UnixSocket.connect(to: path)
            close(client)
            var status = stat()
            #expect(stat(path.string, &status) == 0 && status.st_mode & 0o777 == 0o600)
            #expect(throws: HostError.self) { try UnixSocket.connect(to: deep.appending("nobody")) }
        }
    }
}
