internal import Glibc
public import SystemPackage

/// What `/proc` says about processes of this host.
public enum ProcessTable {
    /// Changes at every start of the host.
    public static func bootID() throws -> String {
        let text = try readText("/proc/sys/kernel/random/boot_id", limit: 128)
        return String(text.prefix { $0 != "\n" })
    }

    /// When the process started, in clock ticks since the host did. Together with the pid and ``bootID()`` it
    /// names one process for ever. Nil when there is no such process, or it is a zombie.
    public static func startTimeTicks(of pid: Int32) -> UInt64? {
        guard let text = try? readText("/proc/\(pid)/stat", limit: 4096) else { return nil }
        return parseStartTime(stat: text)
    }

    /// The pid of the process's parent. Nil when the process is gone.
    public static func parent(of pid: Int32) -> Int32? {
        guard let text = try? readText("/proc/\(pid)/stat", limit: 4096) else { return nil }
        guard let nameEnd = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: nameEnd)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }

    /// The file the process executes. Nil when it is gone or not ours to look at.
    public static func executable(of pid: Int32) -> FilePath? { link("/proc/\(pid)/exe") }

    /// Nil when the process is gone or not ours to look at.
    public static func workingDirectory(of pid: Int32) -> FilePath? { link("/proc/\(pid)/cwd") }

    /// What the process was started with, its own name first. Nil when it is gone.
    public static func arguments(of pid: Int32) -> [String]? {
        // Longer than any that this product starts.
        guard let text = try? readText("/proc/\(pid)/cmdline", limit: 65_536), !text.isEmpty else { return nil }
        return text.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
    }

    /// The user that the process acts as. Nil when it is gone.
    public static func effectiveUser(of pid: Int32) -> UInt32? {
        guard let text = try? readText("/proc/\(pid)/status", limit: 16_384) else { return nil }
        let line = text.split(separator: "\n").first { $0.hasPrefix("Uid:") }
        // Of the real, effective, saved and file system's user.
        let numbers = line?.split { $0 == "\t" || $0 == " " }.dropFirst() ?? []
        return numbers.dropFirst().first.flatMap { UInt32($0) }
    }

    /// Bytes that only this process holds in memory, from `smaps_rollup`. Nil when it cannot be read.
    public static func privateBytes(of pid: Int32) -> UInt64? {
        guard let text = try? readText("/proc/\(pid)/smaps_rollup", limit: 16_384) else { return nil }
        return parsePrivateBytes(smapsRollup: text)
    }

    /// The pids of all processes.
    public static func processes() throws -> [Int32] {
        try HostFile.names(in: "/proc").compactMap { Int32($0) }
    }

    /// Field 22 of a line of `/proc/<pid>/stat`. The second field is a name that may hold spaces and brackets.
    static func parseStartTime(stat: String) -> UInt64? {
        guard let nameEnd = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 19, let state = fields.first, state != "Z", state != "X" else { return nil }
        return UInt64(fields[19])
    }

    static func parsePrivateBytes(smapsRollup: String) -> UInt64? {
        var total: UInt64?
        for line in smapsRollup.split(separator: "\n") where line.hasPrefix("Private_") {
            let fields = line.split(separator: " ")
            guard fields.count >= 2, let kibibytes = UInt64(fields[1]) else { return nil }
            total = (total ?? 0) + kibibytes * 1024
        }
        return total
    }

    private static func link(_ path: String) -> FilePath? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink(path, &buffer, buffer.count)
        guard length > 0, length < buffer.count else { return nil }
        return FilePath(String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    private static func readText(_ path: String, limit: Int) throws -> String {
        let fd = open(path, O_RDONLY | O_CLOEXEC)
        guard fd >= 0 else { throw HostError("open", FilePath(path), errno: Errno(rawValue: errno)) }
        defer { close(fd) }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = read(fd, &bytes, limit)
        guard count >= 0 else { throw HostError("read", FilePath(path), errno: Errno(rawValue: errno)) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}
