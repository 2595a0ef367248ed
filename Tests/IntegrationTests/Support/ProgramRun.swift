import Foundation
import HostSystem
import Synchronization
import SystemPackage

/// What a program that has ended wrote, and its exit status (128 + the signal's number when a signal ended it).
struct ProgramResult: Sendable, CustomStringConvertible {
    var status: Int32
    var stdout: String
    var stderr: String

    /// Standard output without the last newline.
    var text: String { stdout.trimmingCharacters(in: .newlines) }
    var lines: [String] { text.isEmpty ? [] : text.components(separatedBy: "\n") }
    var description: String { "status \(status), stdout '\(stdout)', stderr '\(stderr)'" }

    /// Standard output as JSON.
    func json<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .custom { _ in .distantPast }
        return try decoder.decode(type, from: Data(stdout.utf8))
    }
}

/// A program that was started and not awaited yet. Its output goes to files, so that nobody who inherits them is waited
/// for.
final class RunningProgram: Sendable {
    let pid: Int32
    private let directory: FilePath
    private let exits: AsyncStream<Int32>
    // `Process` is only used here, one call at a time.
    private let process: Mutex<Process>

    init(
        _ executable: FilePath,
        _ arguments: [String],
        environment: [String: String],
        directory working: FilePath,
        stdin: FileHandle? = nil,
        stdout: FileHandle? = nil,
        output: FilePath? = nil
    ) throws {
        directory = output ?? TestEnvironment.directory.appending("vers-it-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(filePath: executable.string)
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = URL(filePath: working.string)
        process.standardInput = stdin ?? FileHandle.nullDevice
        process.standardOutput = try stdout ?? Self.file(directory.appending("stdout"))
        process.standardError = try Self.file(directory.appending("stderr"))
        let (exits, ended) = AsyncStream.makeStream(of: Int32.self)
        self.exits = exits
        process.terminationHandler = { process in
            let isSignal = process.terminationReason == .uncaughtSignal
            ended.yield(isSignal ? 128 + process.terminationStatus : process.terminationStatus)
            ended.finish()
        }
        try process.run()
        pid = process.processIdentifier
        self.process = Mutex(process)
    }

    func signal(_ number: Int32) { kill(pid, number) }

    /// What it wrote to standard error so far.
    var stderr: String { Self.text(directory.appending("stderr")) }
    var stdout: String { Self.text(directory.appending("stdout")) }

    /// Waits for its end, and ends it after `limit`. To be called once.
    func result(within limit: Duration) async throws -> ProgramResult {
        let pid = pid
        let exits = exits
        let status = try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask { await exits.first { _ in true } }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        guard let status else {
            kill(pid, SIGKILL)
            throw TestFailure("process \(pid) did not end within \(limit); it wrote: \(stderr.suffix(2000))")
        }
        return ProgramResult(status: status, stdout: stdout, stderr: stderr)
    }

    /// Removes the files of its output.
    func forget() { try? FileManager.default.removeItem(atPath: directory.string) }

    private static func file(_ path: FilePath) throws -> FileHandle {
        let file = try FileDescriptor.open(
            path,
            .writeOnly,
            options: [.create, .append, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
        return FileHandle(fileDescriptor: file.rawValue, closeOnDealloc: true)
    }

    private static func text(_ path: FilePath) -> String {
        guard let data = FileManager.default.contents(atPath: path.string) else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}

extension Pipe {
    /// What comes first from the other end, empty when that is its end.
    ///
    /// Not by a readability handler: libdispatch went on to look at pipes that were closed, and once in some hundred times
    /// crashed (`_dispatch_event_loop_drain`, Swift 6.3).
    func firstData() async throws -> Data {
        let reader = fileHandleForReading.fileDescriptor
        defer { withExtendedLifetime(self) {} }
        return try await BlockingPool.run {
            try withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
                let count = try FileDescriptor(rawValue: reader).read(into: buffer)
                return Data(buffer[..<count])
            }
        }
    }
}

/// Something that the test needs did not happen.
struct TestFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Waits until `condition` holds, for what no event tells a test; at most `limit`.
func eventually(
    _ what: String,
    within limit: Duration = .seconds(60),
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw TestFailure("\(what): not within \(limit)") }
        try await Task.sleep(for: .milliseconds(20))
    }
}
