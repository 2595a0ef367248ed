import Foundation
internal import SystemPackage
import VersAPI

/// Fetches a file or a directory out of a VM, which is not trusted: it decides about contents, not about places here.
struct Download {
    let script: ToolboxScript
    let progress: CopyProgress
    let isRecursive: Bool

    func run(_ request: CopyRequest) async throws {
        let target = request.usesStandardStream ? nil : try FileTarget(request)
        let parts = target?.parts() ?? []
        try await script.run(RemoteScript.send, [request.remote, isRecursive ? "yes" : "no"] + parts) { _ in
        } drain: { output in
            // Without a line the script has failed, and has said why.
            guard let line = try await output.line() else { return }
            try await receive(RemoteObject(line), output, request, target)
        }
    }

    private func receive(
        _ object: RemoteObject,
        _ output: ScriptOutput,
        _ request: CopyRequest,
        _ target: FileTarget?
    ) async throws {
        switch object {
        case .directory:
            guard target != nil else {
                throw VersError(.invalidArgument, "a directory cannot be written to stdout")
            }
            try await receiveTree(output, request)
        case .stream:
            progress.begin(request.remote, total: nil)
            guard let target else { return try await copy(output, to: .standardOutput, expected: nil) }
            try await target.receive(RemoteFile.unknown, output, progress)
        case .file(let file):
            progress.begin(request.remote, total: file.size, kept: file.start)
            guard let target else { return try await copy(output, to: .standardOutput, expected: file.size) }
            try await target.receive(file, output, progress)
        }
    }

    private func copy(_ source: ScriptOutput, to target: FileDescriptor, expected: Int64?) async throws {
        var count: Int64 = 0
        while let piece = try await source.next() {
            try await Blocking.run { _ = try target.writeAll(piece) }
            count += Int64(piece.count)
            progress.add(piece.count)
        }
        if let expected, expected != count { throw FileTarget.incomplete }
    }

    private func receiveTree(_ output: ScriptOutput, _ request: CopyRequest) async throws {
        let tree = try StagedTree(request)
        defer { tree.remove() }
        progress.begin(request.remote, total: nil)
        let archive = try LocalArchive()
        defer { archive.remove() }
        try await archive.unpack(into: tree.stage, each: progress.add, from: output.next)
        let skipped = try await Blocking.run { try tree.commit() }
        for path in skipped { script.session.context.warn("\(path) is a device, pipe or socket and was left out") }
    }
}

/// What the VM says that it sends.
enum RemoteObject: Equatable {
    case directory
    /// Neither a file nor a directory: its length is not known before its end.
    case stream
    case file(RemoteFile)

    /// - Throws: `.internal` for what no script of ours says.
    init(_ line: String) throws {
        let words = line.split(separator: " ").map(String.init)
        switch words.first {
        case "directory" where words.count == 1: self = .directory
        case "stream" where words.count == 1: self = .stream
        case "file":
            guard words.count == 6, let size = Int64(words[2]), let mode = UInt32(words[3], radix: 8),
                let time = Int(words[4]), let start = Int64(words[5]), start >= 0, start <= size,
                words[1] == "\(size)-\(time)"
            else { fallthrough }
            self = .file(RemoteFile(key: words[1], size: size, mode: mode, time: time, start: start))
        default:
            throw VersError(.internal, "the VM says something that is not understood: '\(line.prefix(80))'")
        }
    }
}

struct RemoteFile: Equatable {
    var key: String
    /// Nil: not known.
    var size: Int64?
    var mode: UInt32
    /// Of its last change; nil: not known.
    var time: Int?
    /// What comes begins here.
    var start: Int64

    static let unknown = RemoteFile(key: "stream", size: nil, mode: 0o644, time: nil, start: 0)
}

/// A local file that is to come out of a VM: first a part beside it, named when it is complete.
struct FileTarget {
    /// The VM's idea of permissions, without the bits that lend the identity of whoever copies.
    private static let modeMask: UInt32 = 0o777
    static var incomplete: VersError {
        VersError(.unavailable, "the file ended early", hint: "repeat the copy to go on")
    }

    let path: String
    private var directory: String { (path as NSString).deletingLastPathComponent }
    private var name: String { (path as NSString).lastPathComponent }

    /// - Throws: `.notFound` for a directory that is missing.
    init(_ request: CopyRequest) throws {
        var isDirectory: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: request.local, isDirectory: &isDirectory)
        let place = (request.local as NSString).standardizingPath
        let source = (request.remote as NSString).lastPathComponent
        if exists, isDirectory.boolValue {
            guard ![".", "..", "/", "~", ""].contains(source) else {
                path = place
                return
            }
            path = "\(place == "/" ? "" : place)/\(source)"
            return
        }
        path = place
        guard FileManager.default.fileExists(atPath: directory) else {
            throw VersError(.notFound, "there is no directory \(directory)")
        }
    }

    /// `key=size` of what is here of earlier attempts.
    func parts() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        let prefix = ".\(name)."
        return names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(".vers-part") }.prefix(16)
            .compactMap { part in
                let key = part.dropFirst(prefix.count).dropLast(".vers-part".count)
                guard (try? /[0-9]+-[0-9]+/.wholeMatch(in: key)) != nil else { return nil }
                var status = stat()
                guard lstat("\(directory)/\(part)", &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                    return nil
                }
                return "\(key)=\(status.st_size)"
            }
    }

    func receive(_ file: RemoteFile, _ output: ScriptOutput, _ progress: CopyProgress) async throws {
        guard !isDirectory(path) else {
            throw VersError(.conflict, "\(path) is a directory, and the VM sends a file")
        }
        let key = file.size == nil ? UUID().uuidString.lowercased() : file.key
        let part = FilePath("\(directory)/.\(name).\(key).vers-part")
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(
                part,
                .writeOnly,
                options: [.create, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite
            )
        } catch let error as Errno {
            throw VersError(.invalidArgument, "cannot write \(part): \(error)", cause: error)
        }
        do {
            defer { try? descriptor.close() }
            try await fill(descriptor, file, output, progress)
        } catch {
            // What cannot be gone on with is not kept.
            if file.size == nil { unlink(part.string) }
            throw error
        }
        guard rename(part.string, path) == 0 else {
            throw VersError(.internal, "cannot name \(path): \(Errno(rawValue: errno))")
        }
    }

    private func fill(
        _ descriptor: FileDescriptor,
        _ file: RemoteFile,
        _ output: ScriptOutput,
        _ progress: CopyProgress
    ) async throws {
        guard ftruncate(descriptor.rawValue, off_t(file.start)) == 0 else { throw Errno(rawValue: errno) }
        try descriptor.seek(offset: file.start, from: .start)
        var count = file.start
        while let piece = try await output.next() {
            try Task.checkCancellation()
            try await Blocking.run { _ = try descriptor.writeAll(piece) }
            count += Int64(piece.count)
            progress.add(piece.count)
        }
        if let size = file.size, count != size { throw Self.incomplete }
        fchmod(descriptor.rawValue, mode_t(file.mode & Self.modeMask))
        if let time = file.time {
            let stamp = timespec(tv_sec: time, tv_nsec: 0)
            futimens(descriptor.rawValue, [stamp, stamp])
        }
        try await Blocking.run {
            guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
        }
    }

    private func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
