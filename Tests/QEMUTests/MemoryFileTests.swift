import Foundation
import HostSystem
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import QEMU

@Suite("Guest memory in a file")
struct MemoryFileTests {
    private static let page = 4096

    private func withDirectory(_ body: (FilePath) throws -> Void) throws {
        let directory = FilePath(NSTemporaryDirectory()).appending("vers-memory-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory.string) }
        try body(directory)
    }

    private func file(_ path: FilePath, pages: Int, _ content: [Int: UInt8]) throws {
        try HostFile.createSparse(path, sizeInBytes: UInt64(pages * Self.page))
        let file = try FileDescriptor.open(path, .readWrite)
        defer { try? file.close() }
        for (page, byte) in content {
            try file.writeAll(
                toAbsoluteOffset: Int64(page * Self.page),
                [UInt8](repeating: byte, count: Self.page)
            )
        }
    }

    private func firstBytes(_ path: FilePath, pages: Int) throws -> [UInt8] {
        let bytes = try HostFile.read(path, limitInBytes: pages * Self.page)
        return (0..<pages).map { bytes[$0 * Self.page] }
    }

    @Test("a layer has what is not zero, and goes over what was there, zeros included")
    func layers() throws {
        try withDirectory { directory in
            let (memory, layer, later) = (
                directory.appending("ram"), directory.appending("layer"), directory.appending("later")
            )
            try file(memory, pages: 600, [0: 1, 1: 1, 2: 0, 300: 3, 599: 4])
            let report = try MemoryFile(opening: memory).copy(to: layer)
            #expect(report.bytes == UInt64(4 * Self.page) && report.extents == 3)
            #expect(try HostFile.size(of: layer) == UInt64(600 * Self.page))
            try file(later, pages: 600, [1: 0, 300: 9])
            let copy = directory.appending("copy")
            try file(copy, pages: 600, [:])
            let restored = try MemoryFile(opening: copy)
            try restored.write(layer: layer)
            try restored.write(layer: later)
            let bytes = try firstBytes(copy, pages: 600)
            #expect([bytes[0], bytes[1], bytes[2], bytes[300], bytes[599]] == [1, 0, 0, 9, 4])
        }
    }

    @Test("a layer of another size is refused")
    func size() throws {
        try withDirectory { directory in
            let (memory, layer) = (directory.appending("ram"), directory.appending("layer"))
            try file(memory, pages: 2, [:])
            try file(layer, pages: 3, [0: 1])
            let error = #expect(throws: VersError.self) { try MemoryFile(opening: memory).write(layer: layer) }
            #expect(error?.code == .incompatible)
        }
    }

    @Test("the section of a device is found in a saved state")
    func section() throws {
        let name = "0000:00:03.0/virtio-console"
        let head: [UInt8] = [4, 0, 0, 0, 28, UInt8(name.utf8.count)] + Array(name.utf8)
        let other: [UInt8] = [4, 0, 0, 0, 1, 5] + Array("timer".utf8) + [9, 9, 0x7e, 0, 0, 0, 1]
        func state(_ own: UInt8, _ others: UInt8) -> [UInt8] {
            other + [others] + head + [own, 0x7e, 0, 0, 0, 28] + other
        }
        #expect(DeviceState.section(name, in: state(7, 1)) == DeviceState.section(name, in: state(7, 2)))
        #expect(DeviceState.section(name, in: state(7, 1)) != DeviceState.section(name, in: state(8, 1)))
        #expect(DeviceState.section("absent", in: state(7, 1)) == nil)
        #expect(DeviceState.section(name, in: head) == nil)
    }
}
