internal import Glibc
public import SystemPackage

/// What a directory holds.
public enum DirectoryEntries {
    /// The names as the kernel has them, without `.` and `..`: they need not be text.
    public static func names(in path: FilePath) throws -> [[UInt8]] {
        guard let directory = path.withPlatformString({ opendir($0) }) else {
            throw HostError("list", path, errno: Errno(rawValue: errno))
        }
        defer { closedir(directory) }
        var names: [[UInt8]] = []
        while let entry = readdir(directory) {
            let name = name(of: entry)
            if name != Array(".".utf8), name != Array("..".utf8) { names.append(name) }
        }
        return names
    }

    /// Read in place: an entry is only as long as its name needs, and a copy of the field reads what lies behind it.
    static func name(of entry: UnsafePointer<dirent>) -> [UInt8] {
        guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
        let start = UnsafeRawPointer(entry).advanced(by: offset)
        return Array(UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
    }
}
