import Foundation
internal import SystemPackage
import VersAPI

/// Small files of the user: read whole, replaced whole.
enum UserFile {
    /// No file of ours is larger; a larger one is someone else's.
    private static let limitInBytes = 1 << 20

    /// Nil when there is none.
    static func read(_ path: FilePath) throws -> String? {
        let descriptor: FileDescriptor
        do {
            descriptor = try FileDescriptor.open(path, .readOnly, options: .closeOnExec)
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch Errno.notDirectory {
            return nil
        } catch {
            throw VersError(.internal, "cannot read \(path): \(error)", cause: error)
        }
        return try descriptor.closeAfter {
            do {
                return try text(of: descriptor, path)
            } catch let error as Errno {
                throw VersError(.internal, "cannot read \(path): \(error)", cause: error)
            }
        }
    }

    private static func text(of descriptor: FileDescriptor, _ path: FilePath) throws -> String {
        var bytes: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
        defer { chunk.deallocate() }
        while true {
            let count = try descriptor.read(into: chunk)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
            guard bytes.count <= limitInBytes else {
                throw VersError(.invalidArgument, "\(path) is larger than \(limitInBytes) bytes")
            }
        }
    }

    /// Writes beside the file and renames, so that a reader sees the old text or the new one. Makes its directory.
    static func replace(
        _ path: FilePath,
        with text: String,
        mode: FilePermissions = [.ownerReadWrite, .groupRead, .otherRead]
    ) throws {
        try UserDirectory.make(path.removingLastComponent())
        let temporary = FilePath(path.string + ".\(getpid()).\(UInt32.random(in: 0 ... .max)).tmp")
        do {
            let descriptor = try FileDescriptor.open(
                temporary,
                .writeOnly,
                options: [.create, .exclusiveCreate, .closeOnExec],
                permissions: mode
            )
            try descriptor.closeAfter {
                _ = try descriptor.writeAll(Array(text.utf8))
                guard fsync(descriptor.rawValue) == 0 else { throw Errno(rawValue: errno) }
            }
            guard rename(temporary.string, path.string) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            // The error to report is the write's; a leftover could not be removed either way.
            unlink(temporary.string)
            throw VersError(.internal, "cannot write \(path): \(error)", cause: error)
        }
    }
}
