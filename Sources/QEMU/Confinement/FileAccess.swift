internal import Glibc
internal import HostSystem
internal import SystemPackage

/// Who may do what with files. Everything blocks shortly, and follows no symbolic link: what it is used on lies in
/// directories that no machine may write to.
enum FileAccess {
    /// Makes a file a machine's own.
    static func give(_ path: FilePath, to user: MachineUser, mode: mode_t = 0o600) throws {
        try setOwner(of: path, user.id, user.id)
        try setMode(of: path, mode)
    }

    /// Makes a file in a directory that a machine may write to its own again. Leaves alone what is no file, and what has
    /// another name: that may be any file of the host.
    static func giveBack(_ path: FilePath, to user: MachineUser) throws {
        let descriptor = open(path.string, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        // A socket or a link, or gone: the machine's directory is the machine's.
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1,
            status.st_uid != user.id
        else { return }
        guard fchown(descriptor, user.id, user.id) == 0 else {
            throw HostError("change the owner of", path, errno: Errno(rawValue: errno))
        }
    }

    /// Takes a file away from the machine that wrote it. Its descriptors stay.
    static func takeBack(_ path: FilePath, readableBy group: UInt32) throws {
        try setOwner(of: path, 0, group)
        try setMode(of: path, 0o440)
    }

    /// Lets all machines read a file that not everybody may.
    static func allowReading(_ path: FilePath, by users: MachineUserRange) throws {
        let status = try status(of: path)
        guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & 0o004 == 0 else { return }
        // What a machine wrote is no longer its own when others rest on it.
        let owner = users.machines.contains(status.st_uid) ? 0 : status.st_uid
        if status.st_uid != owner || status.st_gid != users.readers { try setOwner(of: path, owner, users.readers) }
        let mode = (status.st_mode | 0o040) & 0o7740
        if mode != status.st_mode & 0o7777 { try setMode(of: path, mode) }
    }

    /// Lets a group pass through a directory that not everybody may.
    static func allowPassing(_ path: FilePath, by group: UInt32) throws {
        let status = try status(of: path)
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_mode & 0o001 == 0,
            status.st_gid != group || status.st_mode & 0o010 == 0
        else { return }
        try setOwner(of: path, status.st_uid, group)
        try setMode(of: path, (status.st_mode & 0o7700) | 0o010)
    }

    /// Whether everybody may pass through a directory.
    static func isPassable(_ path: FilePath) -> Bool {
        var status = stat()
        return stat(path.string, &status) == 0 && status.st_mode & 0o001 != 0
    }

    /// Leaves a file to its owner and its group.
    static func closeToOthers(_ path: FilePath) throws {
        let status = try status(of: path)
        guard status.st_mode & S_IFMT != S_IFLNK, status.st_mode & 0o007 != 0 else { return }
        try setMode(of: path, status.st_mode & 0o7770)
    }

    private static func status(of path: FilePath) throws -> stat {
        var status = stat()
        guard lstat(path.string, &status) == 0 else {
            throw HostError("look at", path, errno: Errno(rawValue: errno))
        }
        return status
    }

    private static func setOwner(of path: FilePath, _ user: UInt32, _ group: UInt32) throws {
        guard lchown(path.string, user, group) == 0 else {
            throw HostError("change the owner of", path, errno: Errno(rawValue: errno))
        }
    }

    private static func setMode(of path: FilePath, _ mode: mode_t) throws {
        guard chmod(path.string, mode) == 0 else {
            throw HostError("change the mode of", path, errno: Errno(rawValue: errno))
        }
    }
}
