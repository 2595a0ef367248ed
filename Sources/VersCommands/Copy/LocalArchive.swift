import Foundation
internal import SystemPackage
import VersAPI

/// The local `tar`, which writes and reads the one stream that a directory is copied as.
struct LocalArchive {
    /// The last member, by which the other end knows that the archive is whole.
    let mark = ".vers-complete-\(UUID().uuidString.lowercased())"
    private let directory: FilePath
    private let program: FilePath

    /// - Throws: `.notFound` when there is no `tar`.
    init() throws {
        guard let program = ["/usr/bin/tar", "/bin/tar"].first(where: FileManager.default.isExecutableFile) else {
            throw VersError(.notFound, "there is no tar on this machine", hint: "install it: apt-get install tar")
        }
        self.program = FilePath(program)
        directory = FilePath(NSTemporaryDirectory()).appending("vers-copy-\(UUID().uuidString.lowercased())")
        guard mkdir(directory.string, 0o700) == 0,
            FileManager.default.createFile(atPath: directory.appending(mark).string, contents: nil)
        else { throw VersError(.internal, "cannot make \(directory)") }
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory.string) }

    /// Writes what is in a directory, and the mark behind it.
    func write(_ path: String, to target: ScriptInput, each count: @Sendable (Int) -> Void) async throws {
        // GNU's format: busybox reads no long names of the other. It gives a directory its time as soon as it has made
        // it, before what is in it: so the directories come again at the end, by themselves.
        let directories = try await writeDirectories(of: path)
        let arguments =
            ["-c", "-f", "-", "--format=gnu", "--numeric-owner", "-C", path, "."]
            + ["--no-recursion", "--null", "-T", directories.string, "-C", directory.string, mark]
        let ends = try FileDescriptor.pipe(options: .closeOnExec)
        async let status = run(arguments, output: ends.writeEnd)
        do {
            defer { try? ends.readEnd.close() }
            let reader = PieceReader(ends.readEnd)
            while let piece = try await reader.next() {
                try Task.checkCancellation()
                try await target.write(piece)
                count(piece.count)
            }
        }
        guard try await status == 0 else { throw VersError(.internal, "tar could not read all of \(path)") }
    }

    /// Unpacks an archive into an empty directory that nobody else enters. What it holds is not to be trusted yet.
    /// - Parameter next: its next bytes; nil at the end.
    func unpack(
        into path: String,
        each count: @Sendable (Int) -> Void,
        from next: () async throws -> [UInt8]?
    ) async throws {
        // Names that lead out of the directory are refused by tar itself; links that would are made last.
        let arguments = ["-x", "-f", "-", "-p", "--no-same-owner", "-C", path]
        let ends = try FileDescriptor.pipe(options: .closeOnExec)
        async let status = run(arguments, input: ends.readEnd)
        do {
            defer { try? ends.writeEnd.close() }
            while let piece = try await next() {
                try Task.checkCancellation()
                try await Blocking.run { [writer = ends.writeEnd] in _ = try writer.writeAll(piece) }
                count(piece.count)
            }
        } catch Errno.brokenPipe {
            // tar has ended, and says why.
        }
        guard try await status == 0 else { throw VersError(.internal, "tar could not unpack what came from the VM") }
    }

    /// Writes the names of all directories in one into a file, as tar reads them.
    private func writeDirectories(of path: String) async throws -> FilePath {
        let list = directory.appending("directories")
        try await Blocking.run {
            let file = try FileDescriptor.open(
                list,
                .writeOnly,
                options: [.create, .closeOnExec],
                permissions: .ownerReadWrite
            )
            try file.closeAfter {
                try DirectoryWalk.directories(in: path) {
                    _ = try file.writeAll([UInt8(ascii: "."), UInt8(ascii: "/")] + $0 + [0])
                }
            }
        }
        return list
    }

    /// Closes the end that it was given, so that its other end notices.
    private func run(
        _ arguments: [String],
        input: FileDescriptor? = nil,
        output: FileDescriptor? = nil
    ) async throws -> Int32 {
        defer { for end in [input, output] { try? end?.close() } }
        let process = ForegroundProcess(
            program: program,
            arguments: arguments,
            environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"],
            input: input?.rawValue,
            output: output?.rawValue
        )
        return try await process.run()
    }
}
