import Foundation
internal import SystemPackage
import VersAPI

/// The directories below one. Names are bytes here, since they need not be text.
enum DirectoryWalk {
    /// Calls `visit` with the path of each, relative to the first. Links are not followed, and what cannot be entered is
    /// left out.
    static func directories(in root: String, _ visit: ([UInt8]) throws -> Void) throws {
        var waiting: [[UInt8]] = [[]]
        while let path = waiting.popLast() {
            if !path.isEmpty { try visit(path) }
            for name in names(ofDirectoriesIn: Array(root.utf8) + [UInt8(ascii: "/")] + path) {
                waiting.append(path.isEmpty ? name : path + [UInt8(ascii: "/")] + name)
            }
        }
    }

    private static func names(ofDirectoriesIn path: [UInt8]) -> [[UInt8]] {
        guard let directory = opendir(path.map { CChar(bitPattern: $0) } + [0]) else { return [] }
        defer { closedir(directory) }
        var names: [[UInt8]] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in Array(bytes.prefix { $0 != 0 }) }
            guard name != Array(".".utf8), name != Array("..".utf8) else { continue }
            let terminated = name.map { CChar(bitPattern: $0) } + [0]
            var status = stat()
            guard fstatat(dirfd(directory), terminated, &status, AT_SYMLINK_NOFOLLOW) == 0,
                status.st_mode & S_IFMT == S_IFDIR
            else { continue }
            names.append(name)
        }
        return names
    }
}
