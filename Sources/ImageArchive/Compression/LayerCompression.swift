import Foundation
import SystemPackage
import VersAPI

/// How a layer or an archive is compressed, told by its first bytes.
enum LayerCompression {
    case none
    case gzip
    case zstd

    init(of content: FileRange) throws {
        let magic = try content.bytes(from: 0, count: Int(min(4, content.length)))
        if magic.starts(with: [0x1F, 0x8B]) {
            self = .gzip
        } else if magic == [0x28, 0xB5, 0x2F, 0xFD] {
            self = .zstd
        } else if magic.starts(with: Array("BZh".utf8)) || magic.starts(with: [0xFD, 0x37, 0x7A, 0x58]) {
            throw VersError.badArchive("the archive is compressed with bzip2 or xz: expected gzip, zstd or none")
        } else {
            self = .none
        }
    }
}

/// A new file that decompressed bytes go to.
final class SpoolFile {
    private let path: FilePath
    private let descriptor: FileDescriptor
    private let limit: Int64
    private var length: Int64 = 0

    init(_ path: FilePath, limit: Int64) throws {
        self.path = path
        self.limit = limit
        descriptor = try FileDescriptor.open(
            path,
            .writeOnly,
            options: [.create, .exclusiveCreate, .closeOnExec],
            permissions: [.ownerReadWrite]
        )
    }

    deinit { try? descriptor.close() }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        length += Int64(bytes.count)
        guard length <= limit else {
            throw VersError(
                .payloadTooLarge,
                "the archive decompresses to more than \(limit >> 20) MiB, the limit for this image"
            )
        }
        _ = try descriptor.writeAll(bytes)
    }

    func finish() throws -> SourceFile { try SourceFile(path) }
}
