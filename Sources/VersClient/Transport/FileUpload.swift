import Foundation
import NIOCore
import NIOPosix
import SystemPackage
import VersAPI

/// A file as the body of a request, read as fast as the server takes it.
struct FileUpload: AsyncSequence, Sendable {
    private static let pieceBytes = 1 << 20

    let path: FilePath
    let length: Int64

    /// - Throws: ``VersError`` when there is no such file.
    init(_ path: FilePath) throws {
        self.path = path
        do {
            let file = try SystemPackage.FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
            defer { try? file.close() }
            length = try file.seek(offset: 0, from: .end)
        } catch let error as Errno {
            throw VersError(.invalidArgument, "file '\(path)' cannot be read: \(error)", cause: error)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(path: path) }

    struct Iterator: AsyncIteratorProtocol {
        let path: FilePath
        private var file: OpenFile?

        init(path: FilePath) { self.path = path }

        mutating func next() async throws -> ByteBuffer? {
            let (path, present) = (path, file)
            let (opened, bytes) = try await NIOThreadPool.singleton.runIfActive {
                let opened = try present ?? OpenFile(path)
                return (opened, try opened.read(FileUpload.pieceBytes))
            }
            file = opened
            return bytes.isEmpty ? nil : ByteBuffer(bytes: bytes)
        }
    }
}

/// Closed with its last user.
private final class OpenFile: Sendable {
    private let descriptor: SystemPackage.FileDescriptor

    init(_ path: FilePath) throws {
        descriptor = try SystemPackage.FileDescriptor.open(path, .readOnly, options: [.closeOnExec])
    }

    deinit { try? descriptor.close() }

    func read(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
            length = try descriptor.read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }
}
