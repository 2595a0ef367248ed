import Foundation
import SystemPackage
import Testing
import VersAPI
import VersCore

@testable import InstanceStore

@Suite(.timeLimit(.minutes(1))) struct ConsoleFollowerTests {
    private let instance: TemporaryInstance
    private let directories: MachineDirectories
    private let id = MachineID()
    private var path: FilePath { instance.layout.directory(of: id).appending("console.log") }

    init() throws {
        instance = try TemporaryInstance()
        directories = MachineDirectories(layout: instance.layout)
    }

    private func append(_ text: String, to path: FilePath? = nil) throws {
        let file = try FileDescriptor.open(
            path ?? self.path,
            .writeOnly,
            options: [.create, .append],
            permissions: .ownerReadWrite
        )
        try file.closeAfter { _ = try file.writeAll(text.utf8) }
    }

    private func expectNext(_ text: String, at offset: UInt64, of console: any ConsoleFollowing) async throws {
        let chunk = try #require(try await console.next())
        #expect(String(decoding: chunk.bytes, as: UTF8.self) == text)
        #expect(chunk.nextOffset == offset)
    }

    /// What comes next, asked for before it is there.
    private func waiting(for console: any ConsoleFollowing) -> Task<String?, any Error> {
        Task { try await console.next().map { String(decoding: $0.bytes, as: UTF8.self) } }
    }

    @Test func `what is there comes at once, and what is written when it is written`() async throws {
        try await directories.create(id)
        try append("one two")
        let console = try await directories.followConsole(of: id, offset: 4)
        try await expectNext("two", at: 7, of: console)
        let next = waiting(for: console)
        try append(" three")
        #expect(try await next.value == " three")
    }

    @Test func `the console of a confined machine is found, and its end`() async throws {
        try await directories.create(id)
        let console = try await directories.followConsole(of: id, offset: 0)
        let next = waiting(for: console)
        let own = instance.layout.directory(of: id).appending("run")
        try FileManager.default.createDirectory(atPath: own.string, withIntermediateDirectories: false)
        // No console, though it has its name.
        #expect(symlink("/etc/passwd", own.appending("console.log").string) == 0)
        #expect(unlink(own.appending("console.log").string) == 0)
        try append("confined", to: own.appending("console.log"))
        #expect(try await next.value == "confined")
        let end = waiting(for: console)
        try await directories.remove(id)
        #expect(try await end.value == nil)
    }

    @Test func `a long console comes in pieces`() async throws {
        try await directories.create(id)
        let text = String(repeating: "0123456789", count: 20_000)
        try append(text)
        let console = try await directories.followConsole(of: id, offset: 0)
        var joined: [UInt8] = []
        while joined.count < text.utf8.count {
            let chunk = try #require(try await console.next())
            #expect((1...ConsoleResponse.defaultLimit).contains(chunk.bytes.count))
            joined += chunk.bytes
            #expect(chunk.nextOffset == UInt64(joined.count))
        }
        let isWhole = joined.elementsEqual(text.utf8)
        #expect(isWhole)
    }

    @Test func `the end of a full file comes before the one that takes its place`() async throws {
        try await directories.create(id)
        try append("first")
        let console = try await directories.followConsole(of: id, offset: 0)
        try await expectNext("first", at: 5, of: console)
        try append(" last words")
        #expect(rename(path.string, "\(path).1") == 0)
        try append("second")
        try await expectNext(" last words", at: 16, of: console)
        try await expectNext("second", at: 6, of: console)
        let next = waiting(for: console)
        #expect(rename(path.string, "\(path).1") == 0)
        try append("third")
        #expect(try await next.value == "third")
    }

    @Test func `a file that was cut is read from its start`() async throws {
        try await directories.create(id)
        try append("a long first text")
        let console = try await directories.followConsole(of: id, offset: 0)
        try await expectNext("a long first text", at: 17, of: console)
        #expect(truncate(path.string, 0) == 0)
        try append("new")
        try await expectNext("new", at: 3, of: console)
    }

    @Test func `a VM that has nothing yet is waited for`() async throws {
        let console = try await directories.followConsole(of: id, offset: 0)
        let next = waiting(for: console)
        try await directories.createStandby(id)
        try await directories.adoptStandby(id)
        try append("booting")
        #expect(try await next.value == "booting")
    }

    @Test func `the end comes with the VM's`() async throws {
        try await directories.create(id)
        try append("bye")
        let console = try await directories.followConsole(of: id, offset: 0)
        try await expectNext("bye", at: 3, of: console)
        let next = waiting(for: console)
        try await directories.remove(id)
        #expect(try await next.value == nil)
        #expect(try await console.next() == nil)
    }

    @Test func `several follow one console, and one that leaves takes nothing from the others`() async throws {
        try await directories.create(id)
        try append("x")
        let kept = try await directories.followConsole(of: id, offset: 0)
        try await expectNext("x", at: 1, of: kept)
        do {
            let left = try await directories.followConsole(of: id, offset: 0)
            try await expectNext("x", at: 1, of: left)
        }
        let next = waiting(for: kept)
        try append("y")
        #expect(try await next.value == "y")
    }

    @Test func `a wait that is not wanted any more ends`() async throws {
        try await directories.create(id)
        let console = try await directories.followConsole(of: id, offset: 0)
        let next = waiting(for: console)
        next.cancel()
        await #expect(throws: CancellationError.self) { try await next.value }
    }
}
