internal import Glibc
internal import HostSystem
internal import Synchronization
public import SystemPackage

/// The users that monitor processes run as, each machine as one of its own. Nobody else has them.
public struct MachineUserRange: Sendable, Hashable, LosslessStringConvertible {
    /// Between what systemd gives to containers and what is no uid any more, `systemd.io/UIDS-GIDS` has these unused.
    private static let unused: Range<UInt32> = 0x7000_0000..<0x7FFF_0000
    private static let defaultCount: UInt32 = 65_536
    private static let smallestCount: UInt32 = 16

    public let first: UInt32
    public let count: UInt32

    /// `first:count`, at least 16 and neither root nor -1 among them.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = UInt32(parts[0]), let count = UInt32(parts[1]), first > 0,
            count >= Self.smallestCount, UInt64(first) + UInt64(count) <= UInt64(UInt32.max)
        else { return nil }
        (self.first, self.count) = (first, count)
    }

    /// Chosen by the instance, as systemd-nspawn chooses by the container: two instances need not agree about it.
    public init(home: FilePath) {
        let blocks = UInt64(UInt32(Self.unused.count) / Self.defaultCount)
        let block = UInt32(StableHash.of((HostFile.resolved(home) ?? home).string) % blocks)
        first = Self.unused.lowerBound + block * Self.defaultCount
        count = Self.defaultCount
    }

    public var description: String { "\(first):\(count)" }

    /// The group of everything that all machines may read. No machine is this user.
    var readers: UInt32 { first }

    var machines: Range<UInt32> { first + 1..<first + count }
}

/// The user of one machine, and the group of the same number.
struct MachineUser: Sendable, Hashable {
    let id: UInt32
}

/// Gives machines users. A machine has its user for as long as its directory is there: the user is the owner of a
/// directory in it, so that it needs no other record.
final class MachineUsers: Sendable {
    private let range: MachineUserRange
    /// The directories whose entries are machines' directories.
    private let roots: [FilePath]
    /// Where the search for a free one begins; held while one is given away.
    private let next: Mutex<UInt32>

    init(range: MachineUserRange, roots: [FilePath]) {
        self.range = range
        self.roots = roots
        next = Mutex(range.machines.lowerBound)
    }

    /// The user that the machine of this directory has. Nil when it has none.
    static func user(of directory: FilePath) -> MachineUser? {
        var status = stat()
        guard lstat(directory.appending(MachineFile.ownDirectory).string, &status) == 0, status.st_uid != 0 else {
            return nil
        }
        return MachineUser(id: status.st_uid)
    }

    /// The user that the machine of this directory has, or gets. Blocks shortly.
    func assign(to directory: FilePath) throws -> MachineUser {
        if let user = Self.user(of: directory), range.machines.contains(user.id) { return user }
        return try next.withLock { next in
            let used = usedIDs()
            guard used.count < range.machines.count else {
                throw HostError("find a free user in \(range)", directory, errno: .resourceTemporarilyUnavailable)
            }
            while used.contains(next) { next = after(next) }
            let user = MachineUser(id: next)
            let own = directory.appending(MachineFile.ownDirectory)
            guard mkdir(own.string, 0o700) == 0 || errno == EEXIST else {
                throw HostError("make", own, errno: Errno(rawValue: errno))
            }
            try FileAccess.give(own, to: user, mode: 0o700)
            next = after(next)
            return user
        }
    }

    private func after(_ id: UInt32) -> UInt32 {
        id + 1 < range.machines.upperBound ? id + 1 : range.machines.lowerBound
    }

    private func usedIDs() -> Set<UInt32> {
        Set(
            roots.flatMap { root in
                ((try? HostFile.names(in: root)) ?? []).compactMap { Self.user(of: root.appending($0))?.id }
            }
        )
    }
}
