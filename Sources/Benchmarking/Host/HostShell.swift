import Foundation
import Subprocess
import SystemPackage
import VersAPI

/// Runs programs of the host as a person would, in a directory of its own: `vers`, and what is used in its place.
struct HostShell: Sendable {
    private static let messageBytes = 4000
    private static let lineBytes = 64 * 1024
    /// For a GiB through an emulated guest.
    private static let limit: Duration = .seconds(900)

    let directory: FilePath
    private let environment: [String: String]

    /// Runs `body` with a directory that is removed afterwards.
    static func with(_ context: BenchmarkContext, _ body: (HostShell) async throws -> Void) async throws {
        try await StockDisk.withDirectory(in: context.instance.home) { directory in
            let programs = context.options.vers.removingLastComponent()
            let environment = [
                "PATH": "\(programs):/usr/sbin:/usr/bin:/sbin:/bin", "HOME": directory.string, "TERM": "xterm",
                "VERS_HOME": context.instance.home.string, "LC_ALL": "C.UTF-8",
            ]
            try await body(HostShell(directory: directory, environment: environment))
        }
    }

    /// Runs a line of `sh`, which must succeed.
    func run(_ line: String) async throws {
        try await within(line) {
            let result = try await Subprocess.run(
                .path("/bin/sh"),
                arguments: ["-c", line],
                environment: .custom(variables),
                workingDirectory: directory,
                output: .discarded,
                error: .string(limit: Self.messageBytes)
            )
            guard result.terminationStatus.isSuccess else {
                throw failure(of: line, result.terminationStatus, result.standardError)
            }
        }
    }

    /// Starts a program that shows a prompt, and ends it by saying `exit`.
    /// - Returns: the time from its start to the end of the prompt.
    func timeToPrompt(_ program: FilePath, _ arguments: [String], prompt: String) async throws -> Duration {
        try await within(program.string) {
            let start = ContinuousClock.now
            let result = try await Subprocess.run(
                .path(program),
                arguments: Arguments(arguments),
                environment: .custom(variables),
                workingDirectory: directory,
                input: .inputWriter,
                output: .sequence,
                error: .string(limit: Self.messageBytes)
            ) { execution in
                var shown = ""
                var duration: Duration?
                for try await part in execution.standardOutput {
                    shown += part.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                    guard duration == nil, shown.contains(prompt) else { continue }
                    duration = .now - start
                    _ = try await execution.standardInputWriter.write("exit\n")
                    try await execution.standardInputWriter.finish()
                }
                return (duration, shown)
            }
            guard let duration = result.closureResult.0 else {
                let message = result.standardError + result.closureResult.1
                throw failure(of: program.string, result.terminationStatus, message)
            }
            return duration
        }
    }

    private var variables: [Environment.Key: String] {
        Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(stringLiteral: $0), $1) })
    }

    private func failure(of line: String, _ status: TerminationStatus, _ message: String) -> VersError {
        VersError(.internal, "'\(line)' failed (\(status)): \(message.suffix(400))")
    }

    private func within<Value: Sendable>(
        _ what: String,
        _ operation: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await operation() }
            group.addTask {
                try await Task.sleep(for: Self.limit, clock: .continuous)
                throw VersError(.timedOut, "'\(what)' did not end within \(Self.limit)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
