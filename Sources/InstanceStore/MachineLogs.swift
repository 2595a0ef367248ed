internal import Glibc
internal import HostSystem
internal import SystemPackage
public import VersCore

/// What processes of VMs write for people: QEMU's own messages, and the console where no memory library bounds it.
public struct MachineLogs: Sendable {
    public static let limitInBytes = 2 << 20
    static let keptBytes = 1 << 20

    private static let names: [FilePath] = ["qemu.log", "console.log", "run/console.log"]
    private static let earlierSuffix = ".1"

    private let layout: InstanceLayout

    public init(layout: InstanceLayout) { self.layout = layout }

    /// Cuts every log that is over the limit; its end goes to a file beside it, in place of an earlier one. Whoever
    /// writes a log appends, and goes on at its new end.
    public func trim() async throws {
        let roots = [layout.machines, layout.standbys]
        try await BlockingPool.run {
            for root in roots {
                for name in try HostFile.names(in: root) {
                    for log in Self.names { try Self.trim(root.appending(name).pushing(log)) }
                }
            }
        }
    }

    private static func trim(_ log: FilePath) throws {
        // A VM may be deleted meanwhile, and not every one has every log.
        guard let file = try? open(log, .readWrite) else { return }
        defer { try? file.close() }
        let size = try file.seek(offset: 0, from: .end)
        guard size > limitInBytes else { return }
        var end = [UInt8](repeating: 0, count: keptBytes)
        let count = try end.withUnsafeMutableBytes {
            try file.read(fromAbsoluteOffset: size - Int64(keptBytes), into: $0)
        }
        let earlier = FilePath("\(log)\(earlierSuffix)")
        try HostFile.remove(earlier)
        try HostFile.create(earlier, bytes: Array(end.prefix(count)))
        guard ftruncate(file.rawValue, 0) == 0 else { throw HostError("cut", log, errno: Errno(rawValue: errno)) }
    }

    /// Opens a file that a hostile machine may have put there: it is a file, and no link to another's.
    /// - Returns: nil when there is none.
    static func open(_ path: FilePath, _ mode: FileDescriptor.AccessMode) throws -> FileDescriptor? {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(path, mode, options: [.closeOnExec, .noFollow, .nonBlocking])
        } catch Errno.noSuchFileOrDirectory, Errno.tooManySymbolicLinkLevels {
            return nil
        }
        var status = stat()
        guard fstat(file.rawValue, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            try file.close()
            return nil
        }
        return file
    }
}
