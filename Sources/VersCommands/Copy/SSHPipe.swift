import Foundation
internal import SystemPackage
import VersAPI
import VersClient

/// A script in a VM, with its stdin and stdout as streams here.
struct SSHPipe {
    /// The way to the VM ended before the script did.
    struct ConnectionLost: Error {
        var name: String
    }

    let session: Session
    let machine: MachineID

    /// Runs a script of a POSIX shell.
    /// - Parameters:
    ///   - feed: writes to the script's stdin, which ends when this returns. Cancelled when the script ends first.
    ///   - drain: reads the script's stdout to its end.
    /// - Throws: ``ConnectionLost``; `.internal` when the script failed, which has said why on stderr; what `feed` and
    ///   `drain` throw.
    func run(
        _ script: String,
        _ arguments: [String],
        feed: @escaping @Sendable (FileDescriptor) async throws -> Void,
        drain: @escaping @Sendable (FileDescriptor) async throws -> Void
    ) async throws {
        let input = try FileDescriptor.pipe(options: .closeOnExec)
        let output = try FileDescriptor.pipe(options: .closeOnExec)
        let end = FirstValue<Int32>()
        try await withThrowingTaskGroup(of: Int32?.self) { group in
            group.addTask {
                defer {
                    Self.close([input.readEnd, output.writeEnd])
                    end.finish()
                }
                return try await start(script, arguments, input: input.readEnd, output: output.writeEnd)
            }
            group.addTask {
                defer { Self.close([input.writeEnd]) }
                try await Self.until(end) {
                    do {
                        try await feed(input.writeEnd)
                    } catch Errno.brokenPipe {
                        // Whoever read has ended, and its status says why.
                    }
                }
                return nil
            }
            group.addTask {
                defer { Self.close([output.readEnd]) }
                try await drain(output.readEnd)
                return nil
            }
            try await finish(&group)
        }
    }

    private func finish(_ group: inout ThrowingTaskGroup<Int32?, any Error>) async throws {
        var failure: (any Error)?
        var status: Int32?
        while let outcome = await group.nextResult() {
            switch outcome {
            case .success(let value?): status = value
            case .success(nil): break
            case .failure(let error):
                if failure == nil, !(error is CancellationError) { failure = error }
                group.cancelAll()
            }
        }
        // What the script says of its end is nearer to the cause than what its streams made of it.
        if let failure, failure is ConnectionLost { throw failure }
        if let status, [SIGINT, SIGTERM, SIGHUP, SIGQUIT].contains(status - 128) {
            throw VersError(.cancelled, "Operation cancelled")
        }
        if let status, status != 0 {
            throw VersError(.internal, "the copy failed in VM '\(session.name(of: machine))'")
        }
        if let failure { throw failure }
        try Task.checkCancellation()
    }

    /// Runs `body`, but no longer than until the script ends: nobody reads what is still to be fed.
    private static func until(
        _ end: FirstValue<Int32>,
        _ body: @escaping @Sendable () async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask { _ = await end.value }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func start(
        _ script: String,
        _ arguments: [String],
        input: FileDescriptor,
        output: FileDescriptor
    ) async throws -> Int32 {
        let words = ["sh", "-c", script, "sh"] + arguments
        let ssh = SSHSession(session: session, machine: machine, input: input.rawValue, output: output.rawValue)
        let (status, isLost) = try await ssh.runOnce(
            options: ["-T"],
            command: words.map(ShellCommand.quoted).joined(separator: " ")
        )
        if isLost { throw ConnectionLost(name: "ssh ended with \(status)") }
        return status
    }

    private static func close(_ descriptors: [FileDescriptor]) {
        // Nothing is written through them any more.
        for descriptor in descriptors { try? descriptor.close() }
    }
}

/// Reads a stream in lines and pieces, on threads that may block.
final class PieceReader: Sendable {
    private static let size = 256 * 1024
    private let descriptor: FileDescriptor

    init(_ descriptor: FileDescriptor) { self.descriptor = descriptor }

    /// The next bytes; nil at the end.
    func next() async throws -> [UInt8]? {
        try await Blocking.run { [descriptor] in
            let piece = try [UInt8](unsafeUninitializedCapacity: Self.size) { buffer, count in
                count = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            return piece.isEmpty ? nil : piece
        }
    }

    /// A line without its end, read byte by byte so that what follows it stays in the stream.
    func line(limit: Int = 4096) async throws -> String? {
        try await Blocking.run { [descriptor] in
            var line: [UInt8] = []
            var byte: UInt8 = 0
            while line.count < limit {
                let count = try withUnsafeMutableBytes(of: &byte) { try descriptor.read(into: $0) }
                if count == 0 { return nil }
                if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
                line.append(byte)
            }
            return nil
        }
    }
}
