import Foundation
internal import SystemPackage
import VersAPI

/// A directory that came out of a VM: first unpacked aside, where nobody else looks, then put in its place.
///
/// The VM's contents are not trusted. Nothing is written through a link, neither one that came along nor one that is
/// there already; no file keeps a bit that lends the identity of whoever copies; devices are left out.
struct StagedTree {
    /// Where the directory is unpacked.
    var stage: String { "\(enclosure)/tree" }
    let target: String
    /// Closed to others, whatever becomes of what is in it.
    private let enclosure: String

    /// - Throws: `.notFound` for a directory that is missing, `.conflict` for something else in the way.
    init(_ request: CopyRequest) throws {
        let given = (request.local as NSString).standardizingPath
        // Who copies may name a link to a directory; the VM may not.
        let place = Self.isDirectory(given) ? (given as NSString).resolvingSymlinksInPath : given
        let source = (request.remote as NSString).lastPathComponent
        let isContent = [".", "..", "/", "~", ""].contains(source)
        target = Self.isDirectory(place) && !isContent ? "\(place == "/" ? "" : place)/\(source)" : place
        let parent = (target as NSString).deletingLastPathComponent
        guard Self.isDirectory(parent) else { throw VersError(.notFound, "there is no directory \(parent)") }
        var template = Array("\(parent == "/" ? "" : parent)/.vers-copy.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw VersError(.invalidArgument, "cannot write in \(parent): \(Errno(rawValue: errno))")
        }
        enclosure = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard mkdir(stage, 0o700) == 0 else { throw Self.failure("make", stage) }
    }

    func remove() {
        // Directories that came without permission to be entered or changed.
        chmod(stage, 0o700)
        if let names = FileManager.default.enumerator(atPath: stage) {
            while let name = names.nextObject() as? String {
                if Self.kind("\(stage)/\(name)") == S_IFDIR { chmod("\(stage)/\(name)", 0o700) }
            }
        }
        try? FileManager.default.removeItem(atPath: enclosure)
    }

    /// - Returns: what was left out.
    func commit() throws -> [String] {
        var skipped: [String] = []
        let directories = try clean("", &skipped)
        if Self.kind(target) == nil {
            for (path, status) in directories { Self.restore("\(stage)\(path)", status) }
            guard rename(stage, target) == 0 else { throw Self.failure("name", target) }
            return skipped
        }
        for (path, _) in directories.reversed() { try prepareDirectory("\(target)\(path)") }
        for (path, _) in directories { try moveFiles(of: path) }
        for (path, status) in directories { Self.restore("\(target)\(path)", status) }
        return skipped
    }

    /// Removes what is left out, below a directory of the stage.
    /// - Returns: the directories, those that are inside of another before it, with what they were like.
    private func clean(_ path: String, _ skipped: inout [String]) throws -> [(String, stat)] {
        let own = "\(stage)\(path)"
        guard let status = Self.status(own), chmod(own, 0o700) == 0 else { throw Self.failure("enter", own) }
        var result: [(String, stat)] = []
        for name in try FileManager.default.contentsOfDirectory(atPath: own) {
            let entry = "\(path)/\(name)"
            switch Self.kind(stage + entry) {
            case S_IFDIR: result += try clean(entry, &skipped)
            case S_IFLNK: break
            case S_IFREG:
                guard let mode = Self.status(stage + entry)?.st_mode, mode & 0o7000 != 0 else { break }
                guard chmod(stage + entry, mode & 0o777) == 0 else { throw Self.failure("change", stage + entry) }
            default:
                unlink(stage + entry)
                skipped.append(target + entry)
            }
        }
        return result + [(path, status)]
    }

    private func prepareDirectory(_ path: String) throws {
        switch Self.kind(path) {
        case nil: guard mkdir(path, 0o700) == 0 else { throw Self.failure("make", path) }
        case S_IFDIR: break
        default:
            throw VersError(
                .conflict,
                "\(path) is not a directory, and the VM has one of that name",
                hint: "nothing is written through links; remove it, or copy to another place"
            )
        }
    }

    private func moveFiles(of path: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: stage + path) {
            let entry = "\(path)/\(name)"
            guard Self.kind(stage + entry) != S_IFDIR else { continue }
            guard Self.kind(target + entry) != S_IFDIR else {
                throw VersError(.conflict, "\(target + entry) is a directory, and not one in the VM")
            }
            guard rename(stage + entry, target + entry) == 0 else { throw Self.failure("name", target + entry) }
        }
    }

    private static func restore(_ path: String, _ status: stat) {
        // What cannot be kept of a directory's looks is no reason to fail.
        chmod(path, status.st_mode & 0o777)
        utimensat(AT_FDCWD, path, [status.st_mtim, status.st_mtim], AT_SYMLINK_NOFOLLOW)
    }

    private static func failure(_ what: String, _ path: String) -> VersError {
        VersError(.internal, "cannot \(what) \(path): \(Errno(rawValue: errno))")
    }

    private static func status(_ path: String) -> stat? {
        var status = stat()
        return lstat(path, &status) == 0 ? status : nil
    }

    private static func kind(_ path: String) -> mode_t? { status(path).map { $0.st_mode & S_IFMT } }

    private static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}
