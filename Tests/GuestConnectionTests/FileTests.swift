import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import GuestConnection

@Suite struct FileTests {
    @Test(arguments: [0, 1, 32_768, 300_000, 3_000_001])
    func binaryFilesOfAnyLengthSurvive(count: Int) async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let path = fixture.directory.appending("a/b/file").string
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try await session.writeFile(path, bytes: bytes, mode: 0o640, createDirectories: true)
        #expect(try await session.readFile(path, limitInBytes: count) == bytes)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: fixture.directory.appending("a/b").string) == ["file"]
        )
        await session.close()
    }

    @Test func filesThatCannotBeReadSayWhy() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let cases: [(path: String, limit: Int, code: ErrorCode)] = [
            ("/no/such/file", 10, .notFound), ("/tmp", 10, .invalidArgument), ("relative", 10, .invalidArgument),
            ("/etc/passwd", 3, .payloadTooLarge), ("/proc/cpuinfo", 10, .payloadTooLarge),
        ]
        for item in cases {
            let error = await #expect(throws: VersError.self) {
                _ = try await session.readFile(item.path, limitInBytes: item.limit)
            }
            #expect(error?.code == item.code, "\(item.path)")
        }
        await session.close()
    }

    @Test func filesThatCannotBeWrittenSayWhy() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        let missing = fixture.directory.appending("no/file").string
        for (path, code) in [(missing, ErrorCode.notFound), ("/tmp", .invalidArgument), ("x", .invalidArgument)] {
            let error = await #expect(throws: VersError.self) {
                try await session.writeFile(path, bytes: [1], mode: 0o644, createDirectories: false)
            }
            #expect(error?.code == code, "\(path)")
        }
        await session.close()
    }

    @Test func filesOfTheKernelAreReadToTheirEnd() async throws {
        let fixture = try AgentFixture()
        let session = try await fixture.connect()
        #expect(try await session.readFile("/proc/self/status", limitInBytes: 100_000).count > 100)
        await session.close()
    }
}
