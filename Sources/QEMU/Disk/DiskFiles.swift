internal import HostSystem
internal import SystemPackage
internal import VersAPI

/// The disks of machines as files. Everything blocks shortly.
enum DiskFiles {
    private static let mebibyte = UInt64(1) << 20

    /// The size a guest sees. Formats are told by the file's name, never by content, which a guest controls.
    static func sizeInBytes(of disk: FilePath) throws -> UInt64 {
        guard isQCOW2(disk) else { return try HostFile.size(of: disk) }
        do {
            return try QCOW2Header(of: disk).sizeInBytes
        } catch is QCOW2Header.Failure {
            throw VersError(.internal, "'\(disk)' is not a qcow2 file")
        }
    }

    static func isQCOW2(_ disk: FilePath) -> Bool { disk.lastComponent?.string.hasSuffix(DiskFile.suffix) ?? false }

    /// Writes an empty overlay of `sizeInBytes` over `base`, which it names relative to `directory`.
    static func createOverlay(_ file: FilePath, over base: FilePath, sizeInBytes: UInt64) throws {
        let overlay = QCOW2Overlay(
            backingFile: relativePath(from: file.removingLastComponent(), to: base).string,
            backingFormat: isQCOW2(base) ? "qcow2" : "raw",
            sizeInBytes: sizeInBytes
        )
        let bytes: [UInt8]
        do {
            bytes = try overlay.bytes()
        } catch .backingNameTooLong(let count) {
            throw VersError(.internal, "the path from '\(file)' to '\(base)' has \(count) bytes: at most 1023")
        } catch .badSize(let size) {
            throw VersError(.invalidArgument, "a disk of \(size) bytes cannot be made")
        }
        try HostFile.create(file, bytes: bytes)
    }

    /// Whether nothing was ever written to or discarded from the overlay: either appends a cluster at the first time.
    static func isPristine(_ file: FilePath) throws -> Bool {
        let header = try QCOW2Header(of: file)
        let empty = QCOW2Overlay(backingFile: "", backingFormat: "", sizeInBytes: header.sizeInBytes)
        guard let count = try? empty.bytes().count else { return false }
        return try HostFile.size(of: file) == UInt64(count)
    }

    /// The file and what lies under it, the file first, as far as qcow2 headers tell.
    static func chain(of file: FilePath) throws -> [FilePath] {
        var chain = [file]
        while let last = chain.last, isQCOW2(last), let backing = try QCOW2Header(of: last).backingFile {
            guard chain.count < 256 else { throw VersError(.internal, "the disk '\(file)' has a chain without an end") }
            chain.append(last.removingLastComponent().pushing(FilePath(backing)).lexicallyNormalized())
        }
        return chain
    }

    /// The disks beside `active` in its directory.
    static func others(than active: FilePath) throws -> [FilePath] {
        let directory = active.removingLastComponent()
        return try HostFile.names(in: directory)
            .filter { DiskFile.number(ofName: $0) != nil && $0 != active.lastComponent?.string }
            .map { directory.appending($0) }
    }

    /// `target` as seen from `directory`; both absolute, or both relative to the same place.
    static func relativePath(from directory: FilePath, to target: FilePath) -> FilePath {
        let from = Array(directory.lexicallyNormalized().components)
        let to = Array(target.lexicallyNormalized().components)
        let shared = zip(from, to).prefix { $0 == $1 }.count
        let up = Array(repeating: FilePath.Component(".."), count: from.count - shared)
        return FilePath(root: nil, up + to.dropFirst(shared))
    }

    static func mebibytes(_ bytes: UInt64) -> Int { Int((bytes + mebibyte - 1) / mebibyte) }

    static func bytes(mebibytes: Int) throws -> UInt64 {
        let (bytes, overflow) = UInt64(clamping: mebibytes).multipliedReportingOverflow(by: mebibyte)
        guard mebibytes > 0, !overflow, bytes <= UInt64(1) << 43 else {
            throw VersError(.invalidArgument, "invalid disk size \(mebibytes) MiB: expected 1 to 8388608")
        }
        return bytes
    }
}
