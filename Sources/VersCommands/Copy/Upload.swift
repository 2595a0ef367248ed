import Foundation
internal import SystemPackage
import VersAPI

/// Sends a file, a directory or stdin into a VM.
struct Upload {
    let script: ToolboxScript
    let progress: CopyProgress
    let isRecursive: Bool

    func run(_ request: CopyRequest) async throws {
        guard !request.usesStandardStream else { return try await sendStream(to: request.remote) }
        var status = stat()
        guard stat(request.local, &status) == 0 else {
            throw VersError(
                errno == ENOENT ? .notFound : .invalidArgument,
                "cannot read \(request.local): \(Errno(rawValue: errno))"
            )
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR:
            guard isRecursive else {
                throw VersError(.invalidArgument, "\(request.local) is a directory", hint: "copy it with -r")
            }
            try await sendTree(request.local, to: request.remote)
        case S_IFREG: try await sendFile(request.local, status, to: request.remote)
        default:
            throw VersError(
                .invalidArgument,
                "\(request.local) is neither a file nor a directory",
                hint: "send what it gives with: cat <path> | vers copy - <vm>:<path>"
            )
        }
    }

    // MARK: File

    private func sendFile(_ path: String, _ status: stat, to remote: String) async throws {
        let size = Int64(status.st_size)
        let time = status.st_mtim.tv_sec
        let name = FilePath(path).lastComponent?.string ?? "file"
        let mode = String(status.st_mode & 0o7777, radix: 8)
        let arguments = [remote, name, "\(size)-\(time)", "\(size)", mode, "\(time)"]
        let start = FirstValue<Int64>()
        try await script.run(RemoteScript.receiveFile, arguments) { input in
            guard let offset = await start.value else { return }
            progress.begin(name, total: size, kept: offset)
            try await send(path, from: offset, count: size - offset, to: input)
        } drain: { output in
            defer { start.finish() }
            let line = try await output.line()
            if let offset = line.flatMap({ Int64($0) }), (0...size).contains(offset) { start.set(offset) }
        }
    }

    /// No more than was there at first: a file that grows meanwhile is sent as it was announced.
    private func send(_ path: String, from offset: Int64, count: Int64, to input: ScriptInput) async throws {
        let file = try FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec)
        defer { try? file.close() }
        try file.seek(offset: offset, from: .start)
        let reader = PieceReader(file)
        var rest = count
        while rest > 0, let piece = try await reader.next() {
            try Task.checkCancellation()
            let part = piece.prefix(Int(min(Int64(piece.count), rest)))
            try await input.write(part)
            rest -= Int64(part.count)
            progress.add(part.count)
        }
    }

    // MARK: Stream

    private func sendStream(to remote: String) async throws {
        let key = UUID().uuidString.lowercased()
        let counter = FirstValue<Int64>()
        try await script.run(RemoteScript.receiveStream, [remote, key]) { input in
            progress.begin("stdin", total: nil)
            let source = try StandardInput()
            var count: Int64 = 0
            while let piece = try await source.next() {
                try await input.write(piece)
                count += Int64(piece.count)
                progress.add(piece.count)
            }
            counter.set(count)
        }
        counter.finish()
        // Only now is it known that stdin has ended, and not the connection.
        guard let count = await counter.value else {
            throw VersError(.internal, "the copy ended before stdin did")
        }
        try await script.run(RemoteScript.finishStream, [remote, key, "\(count)"])
    }

    // MARK: Directory

    private func sendTree(_ path: String, to remote: String) async throws {
        let isContent = path.hasSuffix("/.") || path.hasSuffix("/..")
        let real = (path as NSString).standardizingPath
        let name = isContent ? "." : FilePath(real).lastComponent?.string ?? "."
        let archive = try LocalArchive()
        defer { archive.remove() }
        try await script.run(RemoteScript.receiveTree, [remote, name, archive.mark]) { input in
            progress.begin(name, total: nil)
            try await archive.write(real, to: input) { progress.add($0) }
        }
    }
}

/// A value that one task gives to another, or never.
final class FirstValue<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1)) }

    func set(_ value: Value) { continuation.yield(value) }

    /// Nothing comes any more.
    func finish() { continuation.finish() }

    /// Nil when it was finished, or the task cancelled, without one. To be asked for once.
    var value: Value? {
        get async {
            for await value in stream { return value }
            return nil
        }
    }
}
