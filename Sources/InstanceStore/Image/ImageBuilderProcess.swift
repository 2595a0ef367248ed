import Foundation
import Glibc
import HostSystem
public import Logging
import Subprocess
public import SystemPackage
import VersAPI
public import VersCore

/// Has images built by `vers-image`, a process a build. It is killed when the build is cancelled or takes too long.
public struct ImageBuilderProcess: ImageBuilding {
    /// For the slowest registry and the largest image.
    private static let limit = Duration.seconds(4 * 3600)
    /// Of a line; the image's configuration is in one.
    private static let lineBytes = 4 << 20

    private let executable: FilePath
    private let logger: Logger

    /// - Parameter executable: the program `vers-image`.
    public init(executable: FilePath, logger: Logger) {
        self.executable = executable
        self.logger = logger
    }

    public func build(
        _ request: ImageBuildRequest,
        progress: @escaping @Sendable (ImageBuildPhase) async -> Void
    ) async throws -> BuiltImage {
        try await withThrowingTaskGroup(of: BuiltImage?.self) { group in
            group.addTask { try await run(request, progress: progress) }
            group.addTask {
                try await Task.sleep(for: Self.limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let image = try await group.next() ?? nil else {
                throw VersError(.timedOut, "making the image took longer than \(Self.limit)")
            }
            return image
        }
    }

    private func run(
        _ request: ImageBuildRequest,
        progress: @escaping @Sendable (ImageBuildPhase) async -> Void
    ) async throws -> BuiltImage {
        // Nothing is ever written to it: the builder ends when this end is closed, also by our own end.
        let (lifeline, held) = try FileDescriptor.pipe()
        _ = fcntl(held.rawValue, F_SETFD, FD_CLOEXEC)
        defer { try? held.close() }
        let result = try await Subprocess.run(
            .path(executable),
            arguments: Arguments(Self.arguments(request)),
            workingDirectory: request.directory,
            input: .fileDescriptor(lifeline, closeAfterSpawningProcess: true),
            output: .sequence,
            error: .discarded
        ) { execution in
            var last: ImageBuildEvent?
            for try await line in execution.standardOutput.strings(bufferingPolicy: .maxLineLength(Self.lineBytes)) {
                guard let event = try? JSONCoding.decode(ImageBuildEvent.self, from: Data(line.utf8)) else { continue }
                if let phase = event.phase { await progress(phase) }
                last = event
            }
            return last
        }
        try Task.checkCancellation()
        if let image = result.closureResult?.image { return image }
        if let error = result.closureResult?.error { throw VersError(error.code, error.error, hint: error.hint) }
        logger.error("the image builder ended early", metadata: ["builder.status": "\(result.terminationStatus)"])
        throw VersError(.internal, "the image builder ended early: \(result.terminationStatus)")
    }

    private static func arguments(_ request: ImageBuildRequest) -> [String] {
        var arguments = ["--until-stdin-ends", "--limit-mib", "\(request.contentLimitMiB)"]
        switch request.source {
        case .archive(let file): arguments += ["--archive", file.string]
        case .reference(let text): arguments += ["--reference", text]
        }
        switch request.size {
        case .extra(let extra): arguments += ["--extra-mib", "\(extra)"]
        case .atLeast(let least, let extra): arguments += ["--least-mib", "\(least)", "--extra-mib", "\(extra)"]
        case .exactly(let size): arguments += ["--size-mib", "\(size)"]
        }
        return arguments + [request.directory.string]
    }
}
