import Foundation
import HostSystem
import SystemPackage
import Testing

@Suite("durable files")
struct DurableFileTests {
    @Test("a write replaces the content, sets the mode and leaves nothing else behind")
    func replaces() async throws {
        try await withDirectory { directory in
            let file = directory.appending("file")
            try await DurableFile.write([1, 2, 3], to: file)
            try await DurableFile.write([4], to: file, permissions: [.ownerReadWrite, .groupRead])
            #expect(try HostFile.read(file, limitInBytes: 10) == [4])
            #expect(try HostFile.names(in: directory) == ["file"])
            let attributes = try FileManager.default.attributesOfItem(atPath: file.string)
            #expect(attributes[.posixPermissions] as? Int == 0o640)
        }
    }

    @Test("a write that fails keeps the old content and leaves no temporary file")
    func failure() async throws {
        try await withDirectory { directory in
            let target = directory.appending("directory")
            try FileManager.default.createDirectory(atPath: target.string, withIntermediateDirectories: false)
            await #expect(throws: HostError.self) { try await DurableFile.write([1], to: target) }
            #expect(try HostFile.names(in: directory) == ["directory"])
        }
    }

    @Test("a lock excludes a second holder until it is released")
    func lock() async throws {
        try await withDirectory { directory in
            let path = directory.appending("lock")
            let first = try FileLock(path)
            do {
                _ = try FileLock(path)
                Issue.record("two holders of one lock")
            } catch let error as HostError {
                #expect(error.errno == .wouldBlock)
            }
            first.release()
            _ = try FileLock(path)
        }
    }
}

/// An empty directory for the time of `body`.
func withDirectory(_ body: (FilePath) async throws -> Void) async throws {
    let directory = FilePath(NSTemporaryDirectory()).appending("vers-host-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory.string) }
    try await body(directory)
}
