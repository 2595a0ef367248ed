import Foundation
import Glibc
import HostSystem
import SystemPackage
import VersAPI
import VersCore

/// Follows `console.log` of a VM: what is written to it, and the files that take its place.
actor ConsoleFollower: ConsoleFollowing {
    private let changes: AsyncStream<Void>
    private var reader: ConsoleReader

    /// - Throws: ``HostError`` when nothing can be watched.
    init(of id: MachineID, layout: InstanceLayout, offset: UInt64) async throws {
        // One notice is enough for any number of changes: whoever hears it looks at everything again.
        let (changes, source) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.changes = changes
        let (directory, paths) = (layout.directory(of: id), layout.consoles(of: id))
        reader = try await BlockingPool.run {
            try ConsoleReader(directory: directory, paths: paths, offset: offset) { source.yield() }
        }
    }

    func next() async throws -> ConsoleChunk? {
        while true {
            // Watched before it is looked at, so that no change falls between.
            let (reader, found) = try await BlockingPool.run { [reader] in
                var reader = reader
                let found = try reader.read(limit: ConsoleResponse.defaultLimit)
                return (reader, found)
            }
            self.reader = reader
            switch found {
            case .bytes(let chunk): return chunk
            case .gone: return nil
            case .nothing:
                for await _ in changes { break }
                try Task.checkCancellation()
            }
        }
    }
}

/// Where a follower is. Its calls block.
private struct ConsoleReader: Sendable {
    enum Found: Sendable {
        case bytes(ConsoleChunk)
        case nothing
        /// The VM's directory was there, and is no more.
        case gone
    }

    private let directory: FilePath
    /// Where the console may be, the likeliest first.
    private let paths: [FilePath]
    private let notify: @Sendable () -> Void
    /// Of the directory of all VMs.
    private let siblings: FileWatch
    /// Of the VM's directories, by path.
    private var names: [FilePath: FileWatch] = [:]
    private var file: OpenConsole?
    private var offset: UInt64

    init(directory: FilePath, paths: [FilePath], offset: UInt64, notify: @escaping @Sendable () -> Void) throws {
        self.directory = directory
        self.paths = paths
        self.offset = offset
        self.notify = notify
        siblings = try FileWatcher.shared.watch(directory.removingLastComponent(), for: .names, handler: notify)
    }

    mutating func read(limit: Int) throws -> Found {
        while true {
            guard let file = try file ?? open() else { return try isGone() ? .gone : .nothing }
            self.file = file
            // Looked at before the bytes: nothing is written to a file once another has its name.
            let isReplaced = !file.isInPlace
            let chunk = try file.read(from: offset, limit: limit)
            offset = chunk.nextOffset
            guard chunk.bytes.isEmpty else { return .bytes(chunk) }
            guard isReplaced else { return .nothing }
            self.file = nil
            offset = 0
        }
    }

    private mutating func open() throws -> OpenConsole? {
        try watchNames(in: directory)
        for path in paths {
            try watchNames(in: path.removingLastComponent())
            if let file = try OpenConsole(path, notify: notify) { return file }
        }
        return nil
    }

    private mutating func watchNames(in directory: FilePath) throws {
        guard names[directory] == nil else { return }
        do {
            names[directory] = try FileWatcher.shared.watch(directory, for: .names, handler: notify)
        } catch let error as HostError where error.errno == .noSuchFileOrDirectory {
            // Its own directory tells when it comes.
        }
    }

    private func isGone() throws -> Bool { names[directory] != nil && access(directory.string, F_OK) != 0 }
}

/// A console's file, under whatever name, and the notices of its changes.
private final class OpenConsole: Sendable {
    private let path: FilePath
    private let descriptor: FileDescriptor
    private let watch: FileWatch

    /// Nil when there is none.
    /// - Throws: `Errno`, ``HostError``.
    init?(_ path: FilePath, notify: @escaping @Sendable () -> Void) throws {
        guard let descriptor = try MachineLogs.open(path, .readOnly) else { return nil }
        do {
            // What is open, and not what has its name by now.
            let own = FilePath("/proc/self/fd/\(descriptor.rawValue)")
            watch = try FileWatcher.shared.watch(own, for: .contents, handler: notify)
        } catch {
            try? descriptor.close()
            throw error
        }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { try? descriptor.close() }

    /// Whether no other file has its name.
    var isInPlace: Bool {
        var (own, named) = (stat(), stat())
        return fstat(descriptor.rawValue, &own) == 0 && lstat(path.string, &named) == 0
            && own.st_dev == named.st_dev && own.st_ino == named.st_ino
    }

    func read(from offset: UInt64, limit: Int) throws -> ConsoleChunk {
        try ConsoleChunk(of: descriptor, offset: offset, limit: limit)
    }
}
