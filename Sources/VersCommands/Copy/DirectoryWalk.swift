import Foundation
internal import HostSystem
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
        let terminated = path.map { CChar(bitPattern: $0) } + [0]
        let names = (try? DirectoryEntries.names(in: FilePath(platformString: terminated))) ?? []
        return names.filter { name in
            let entry = path + [UInt8(ascii: "/")] + name + [0]
            var status = stat()
            return lstat(entry.map { CChar(bitPattern: $0) }, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        }
    }
}
