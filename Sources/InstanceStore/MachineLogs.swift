internal import Glibc
internal import HostSystem
internal import SystemPackage
public import VersCore

/// What processes of VMs write for people: QEMU's own messages, and the console where no memory library bounds it.
public struct MachineLogs: Sendable {
    public static let limitInBytes = 2 << 20
    static let keptBytes = 1 << 20

    private static let names = ["qemu.log", "console.log"]
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
                    for log in Self.names { try Self.trim(root.appending(name).appending(log)) }
                }
            }
        }
    }

    private static func trim(_ log: FilePath) throws {
        // A VM may be deleted meanwhile, and not every one has every log.
        guard let size = try? HostFile.size(of: log), size > UInt64(limitInBytes) else { return }
        let end = try HostFile.readEnd(log, limitInBytes: keptBytes)
        let earlier = FilePath("\(log)\(earlierSuffix)")
        try HostFile.remove(earlier)
        try HostFile.create(earlier, bytes: end)
        guard truncate(log.string, 0) == 0 else { throw HostError("cut", log, errno: Errno(rawValue: errno)) }
    }
}
