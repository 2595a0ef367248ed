import Foundation
import HostSystem
import SystemPackage
import Testing

@testable import QEMU

@Suite("qcow2 overlays")
struct QCOW2OverlayTests {
    private struct Info: Decodable {
        var virtualSize: UInt64
        var backingFile: String
        var backingFormat: String

        enum CodingKeys: String, CodingKey {
            case virtualSize = "virtual-size"
            case backingFile = "backing-filename"
            case backingFormat = "backing-filename-format"
        }
    }

    private func qemuImage(_ arguments: [String]) throws -> Data {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/qemu-img")
        process.arguments = arguments
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "qemu-img \(arguments)")
        return data
    }

    private func withDirectory(_ body: (FilePath) throws -> Void) throws {
        let directory = FilePath(NSTemporaryDirectory()).appending("vers-qcow2-tests-\(UUID().uuidString)")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory.string) }
        try body(directory)
    }

    @Test("qemu-img finds the overlay whole and reads the base through it", arguments: [1, 512, 1025, 600_000])
    func readByQEMU(sizeMiB: Int) throws {
        try withDirectory { directory in
            let base = directory.appending("base.raw")
            try HostFile.create(base, bytes: [UInt8](repeating: 0x5a, count: 1 << 20))
            let overlay = directory.appending("disk-1.qcow2")
            try DiskFiles.createOverlay(overlay, over: base, sizeInBytes: DiskFiles.bytes(mebibytes: sizeMiB))
            _ = try qemuImage(["check", overlay.string])
            let info = try JSONDecoder().decode(Info.self, from: qemuImage(["info", "--output=json", overlay.string]))
            #expect(info.virtualSize == UInt64(sizeMiB) << 20)
            #expect(info.backingFile == "base.raw" && info.backingFormat == "raw")
            #expect(try DiskFiles.sizeInBytes(of: overlay) == UInt64(sizeMiB) << 20)
            #expect(try DiskFiles.chain(of: overlay) == [overlay, base])
            #expect(try DiskFiles.isPristine(overlay))
            if sizeMiB == 1 {
                _ = try qemuImage(["compare", "-f", "qcow2", "-F", "raw", overlay.string, base.string])
            }
        }
    }

    @Test(
        "an overlay that was written to, or discarded from, is not pristine",
        arguments: ["write 64k 4k", "discard 64k 64k"]
    )
    func notPristine(command: String) throws {
        try withDirectory { directory in
            let base = directory.appending("base.raw")
            try HostFile.create(base, bytes: [UInt8](repeating: 0x5a, count: 1 << 20))
            let overlay = directory.appending("disk-1.qcow2")
            try DiskFiles.createOverlay(overlay, over: base, sizeInBytes: 1 << 20)
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/qemu-io")
            process.arguments = ["-d", "unmap", "-f", "qcow2", "-c", command, overlay.string]
            process.standardOutput = Pipe()
            try process.run()
            process.waitUntilExit()
            #expect(process.terminationStatus == 0)
            #expect(try !DiskFiles.isPristine(overlay))
        }
    }

    @Test("sizes and names that the format cannot hold are refused")
    func limits() {
        #expect(throws: QCOW2Overlay.Failure.badSize(0)) {
            try QCOW2Overlay(backingFile: "b", backingFormat: "raw", sizeInBytes: 0).bytes()
        }
        #expect(throws: QCOW2Overlay.Failure.backingNameTooLong(bytes: 1024)) {
            let name = String(repeating: "n", count: 1024)
            return try QCOW2Overlay(backingFile: name, backingFormat: "raw", sizeInBytes: 512).bytes()
        }
    }

    @Test("headers that lie about their backing file are refused")
    func hostileHeaders() throws {
        var bytes = try QCOW2Overlay(backingFile: "base", backingFormat: "raw", sizeInBytes: 512).bytes()
        #expect(try QCOW2Header(bytes: bytes).backingFile == "base")
        bytes[8] = 0xff
        #expect(throws: QCOW2Header.Failure.notQCOW2) { try QCOW2Header(bytes: bytes) }
        #expect(throws: QCOW2Header.Failure.notQCOW2) { try QCOW2Header(bytes: []) }
        #expect(throws: QCOW2Header.Failure.notQCOW2) { try QCOW2Header(bytes: [UInt8](repeating: 7, count: 200)) }
    }

    @Test(
        "relative names lead from one directory to a file in another",
        arguments: [
            ("/v/vms/a", "/v/commits/c/disk.qcow2", "../../commits/c/disk.qcow2"),
            ("/v/vms/a", "/v/vms/a/disk.qcow2", "disk.qcow2"),
            ("/", "/x", "x"),
        ]
    )
    func relativeNames(directory: String, file: String, expected: String) {
        #expect(DiskFiles.relativePath(from: FilePath(directory), to: FilePath(file)).string == expected)
    }

    @Test("disk files are numbered upwards, and other names do not count")
    func names() {
        #expect(DiskFile.next(after: []) == "disk-1.qcow2")
        #expect(DiskFile.next(after: ["disk-2.qcow2", "disk-10.qcow2", "disk-x.qcow2", "ram"]) == "disk-11.qcow2")
    }
}
