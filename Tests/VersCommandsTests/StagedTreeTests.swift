import Foundation
import SystemPackage
import Testing
import VersAPI

@testable import VersCommands

/// What a hostile VM may send, and where it must not get to.
@Suite struct StagedTreeTests {
    private let test: TestContext
    private var work: String { "\(test.root)/work" }

    init() throws { test = try TestContext() }

    private func tree(_ remote: String = "/srv/site", to local: String = "out") throws -> StagedTree {
        try StagedTree(try CopyRequest(["vm:\(remote)", "\(work)/\(local)"]) { _ in false })
    }

    private func fill(_ tree: StagedTree, _ name: String, _ text: String = "new", mode: Int = 0o644) throws {
        let path = "\(tree.stage)/\(name)"
        try FileManager.default.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true
        )
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        #expect(chmod(path, mode_t(mode)) == 0)
    }

    @Test func `a new directory appears whole, without bits that lend an identity`() throws {
        let tree = try tree()
        defer { tree.remove() }
        try fill(tree, "a/b", mode: 0o6755)
        #expect(mkfifo("\(tree.stage)/pipe", 0o600) == 0)
        #expect(test.read("work/out/a/b") == nil)
        #expect(try tree.commit() == ["\(work)/out/pipe"])
        #expect(test.read("work/out/a/b") == "new" && test.mode(of: "work/out/a/b") == 0o755)
        tree.remove()
        #expect(try FileManager.default.contentsOfDirectory(atPath: work) == ["out"])
    }

    @Test func `one that is there is copied into, and with '.' merged with`() throws {
        try test.write("old", to: "work/out/kept")
        try test.write("old", to: "work/out/a/b")
        let inside = try tree()
        defer { inside.remove() }
        try fill(inside, "a/b")
        _ = try inside.commit()
        #expect(test.read("work/out/site/a/b") == "new" && test.read("work/out/a/b") == "old")
        let merged = try tree("/srv/site/.")
        defer { merged.remove() }
        try fill(merged, "a/b")
        _ = try merged.commit()
        #expect(test.read("work/out/a/b") == "new" && test.read("work/out/kept") == "old")
    }

    @Test func `nothing is written through a link that came before`() throws {
        try test.write("safe", to: "victim/file")
        try FileManager.default.createDirectory(atPath: "\(work)/out", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: "\(work)/out/a",
            withDestinationPath: "\(test.root)/victim"
        )
        let tree = try tree("/srv/site/.")
        defer { tree.remove() }
        try fill(tree, "a/file")
        #expect(throws: VersError.self) { try tree.commit() }
        #expect(test.read("victim/file") == "safe")
    }

    @Test func `a link in place of a file is replaced, not followed`() throws {
        try test.write("safe", to: "victim")
        try FileManager.default.createDirectory(atPath: "\(work)/out", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: "\(work)/out/a", withDestinationPath: "\(test.root)/victim")
        let tree = try tree("/srv/site/.")
        defer { tree.remove() }
        try fill(tree, "a")
        _ = try tree.commit()
        #expect(test.read("victim") == "safe" && test.read("work/out/a") == "new")
    }

    @Test func `an archive that leads out of its directory does not get there`() async throws {
        let tree = try tree()
        defer { tree.remove() }
        let archive = "\(test.root)/evil.tar"
        try test.write("evil", to: "make/x")
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/tar")
        process.arguments = [
            "-c", "-P", "-f", archive, "--transform", "s,x,../../escaped,", "-C", "\(test.root)/make", "x",
        ]
        try process.run()
        process.waitUntilExit()
        let file = try FileHandle(forReadingFrom: URL(filePath: archive))
        let local = try LocalArchive()
        defer { local.remove() }
        await #expect(throws: VersError.self) {
            let reader = PieceReader(.init(rawValue: file.fileDescriptor))
            try await local.unpack(into: tree.stage, each: { _ in }, from: reader.next)
        }
        #expect(test.read("work/escaped") == nil && test.read("escaped") == nil)
    }
}
